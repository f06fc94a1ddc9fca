// Package consoletest is a line without SMPP and Redis, for tests of the console's pages: tickets, agencies, sessions and
// daemons in memory, behind the real front.
//
//	browser ──▶ staffapi front ──▶ console ──▶ [Office]
//
// The promise kept here: what is pushed, asked or handed on stands in the ticket at once, so that a page that is loaded
// again shows it. Start from [New].
package consoletest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"aduan/conversation"
	"aduan/internal/console"
	"aduan/internal/desk"
	"aduan/internal/staffapi"
	"aduan/internal/vitals"
	"aduan/store"
)

// Office is the fake. Its fields may be changed between requests, under Lock.
type Office struct {
	sync.Mutex
	Clock    time.Time
	Tickets  map[conversation.Number]*desk.TicketView
	Entries  []desk.Agency
	Keys     map[string]store.APIKey // by secret
	Sessions map[string]string       // token → key id
	Links    map[string]string       // one-time token → key id
	Daemons  map[string]vitals.Daemon
	Queue    store.Stats
	Fail     error // what every call of the desk answers; nil: it works
	Surges   []store.Event
	Trail    []desk.AuditView
	Letters  []desk.DeadLetter
	Decided  []string // what was done with dead letters
	Revealed []string
	Pushed   []string // idempotency keys of what was done
	tokens   int
}

// New is an office with nothing in it.
func New() *Office {
	return &Office{
		Clock: time.Date(2026, 11, 23, 9, 5, 0, 0, time.UTC), Tickets: map[conversation.Number]*desk.TicketView{},
		Keys: map[string]store.APIKey{}, Sessions: map[string]string{}, Links: map[string]string{}, Daemons: map[string]vitals.Daemon{},
	}
}

// Handler is the console behind the front. done ends its streams.
func (o *Office) Handler(done <-chan struct{}) (http.Handler, error) {
	var front *staffapi.Server
	c, err := console.New(console.Options{
		Desk: o, Agencies: Book{o}, Line: o, Front: func() console.Front { return front }, ShortCode: func() string { return "1708" },
		Location: func() *time.Location { return time.FixedZone("WIB", 7*3600) }, Phones: "/phone/", Done: done, Now: o.now, Every: 50 * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	front, err = staffapi.New(staffapi.Options{
		Desk: struct{ staffapi.Desk }{}, Agencies: struct{ staffapi.Agencies }{}, Events: struct{ staffapi.Events }{}, Keyring: struct{ staffapi.Keyring }{}, Jobs: struct{ staffapi.Jobs }{}, Keys: o, Extra: c.Handlers(),
		RateLimit: 1000, RateBurst: 1000, Settings: staffapi.Settings{Hosts: []string{"line.example", "127.0.0.1"}},
	})
	return front, err
}

func (o *Office) now() time.Time {
	o.Lock()
	defer o.Unlock()
	return o.Clock
}

// Key adds a key and gives its secret.
func (o *Office) Key(name, agency string, scopes ...string) (secret string) {
	o.Lock()
	defer o.Unlock()
	id := fmt.Sprintf("key%09d", len(o.Keys))
	secret = "aduan_" + id + "_secret"
	o.Keys[secret] = store.APIKey{ID: id, Name: name, Agency: agency, Scopes: scopes}
	return secret
}

// File adds a ticket; what is left out of it is filled in.
func (o *Office) File(t desk.TicketView) conversation.Number {
	o.Lock()
	defer o.Unlock()
	n := conversation.NewNumber(7, uint64(10001+len(o.Tickets)))
	t.Number = n.String()
	t.Kind, t.Language = cmp.Or(t.Kind, "complaint"), cmp.Or(t.Language, "id")
	t.Status = cmp.Or(t.Status, "filed")
	if t.FiledAt.IsZero() {
		t.FiledAt = o.Clock.Add(-time.Duration(90-len(o.Tickets)) * time.Minute)
	}
	for i := range t.Texts {
		if t.Texts[i].At.IsZero() {
			t.Texts[i].At = t.FiledAt
		}
	}
	if len(t.History) == 0 {
		t.History = []desk.ChangeView{{At: t.FiledAt, By: "citizen", To: "filed", What: "status"}}
	}
	if t.Citizen == (desk.CitizenView{}) {
		t.Citizen.Number = "+62•••••••123"
	}
	o.Tickets[n] = &t
	return n
}

// FindKey is the key of a secret.
func (o *Office) FindKey(_ context.Context, secret string) (store.APIKey, error) {
	o.Lock()
	defer o.Unlock()
	k, ok := o.Keys[secret]
	if !ok || k.Revoked {
		return store.APIKey{}, store.ErrNoKey
	}
	return k, nil
}

func (o *Office) byID(id string) (store.APIKey, error) {
	for _, k := range o.Keys {
		if k.ID == id && !k.Revoked {
			return k, nil
		}
	}
	return store.APIKey{}, store.ErrNoKey
}

func (o *Office) token() string {
	o.tokens++
	return "token" + strconv.Itoa(o.tokens)
}

// Link makes a link to sign in once with the key of a secret.
func (o *Office) Link(secret string) string {
	o.Lock()
	defer o.Unlock()
	t := o.token()
	o.Links[t] = o.Keys[secret].ID
	return t
}

// UseLoginLink takes a link.
func (o *Office) UseLoginLink(_ context.Context, token string) (store.APIKey, error) {
	o.Lock()
	defer o.Unlock()
	id := o.Links[token]
	delete(o.Links, token)
	return o.byID(id)
}

// AddSession begins a session.
func (o *Office) AddSession(_ context.Context, keyID string) (string, error) {
	o.Lock()
	defer o.Unlock()
	t := o.token()
	o.Sessions[t] = keyID
	return t, nil
}

// FindSession is the key of a session.
func (o *Office) FindSession(_ context.Context, token string) (store.APIKey, error) {
	o.Lock()
	defer o.Unlock()
	return o.byID(o.Sessions[token])
}

// PeekSession is the same.
func (o *Office) PeekSession(ctx context.Context, token string) (store.APIKey, error) {
	return o.FindSession(ctx, token)
}

// EndSession ends a session.
func (o *Office) EndSession(_ context.Context, token string) error {
	o.Lock()
	defer o.Unlock()
	delete(o.Sessions, token)
	return nil
}

// Statuses are what the daemons said.
func (o *Office) Statuses(context.Context) (map[string][]byte, error) {
	o.Lock()
	defer o.Unlock()
	if o.Fail != nil {
		return nil, o.Fail
	}
	all := map[string][]byte{}
	for boot, d := range o.Daemons {
		b, err := json.Marshal(d)
		if err != nil {
			return nil, err
		}
		all[boot] = b
	}
	return all, nil
}

// Stats is Queue.
func (o *Office) Stats(context.Context) (store.Stats, error) {
	o.Lock()
	defer o.Unlock()
	return o.Queue, nil
}

// Announced are the surges.
func (o *Office) Announced(context.Context, time.Time, time.Time) ([]store.Event, error) {
	o.Lock()
	defer o.Unlock()
	return o.Surges, o.Fail
}
