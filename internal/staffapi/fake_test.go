package staffapi_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"go.uber.org/goleak"

	"aduan/conversation"
	"aduan/internal/agency"
	"aduan/internal/apicheck"
	"aduan/internal/desk"
	"aduan/internal/jobs"
	"aduan/internal/keyring"
	"aduan/internal/staffapi"
	"aduan/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// one is the ticket of the fake desk; it belongs to the agency "pu".
var one = conversation.NewNumber(7, 10001)

// two does not exist.
var two = conversation.NewNumber(7, 10002)

// madeKeys are keys that tests make: secret → store.APIKey.
var madeKeys sync.Map

const smsID = "01J00000000000000000000000" + "07"

// fakeDesk holds one ticket, and answers a push as its fields say.
type fakeDesk struct {
	mu        sync.Mutex
	err       error
	panics    bool
	refused   *string
	statuses  []desk.StatusRequest
	questions []desk.QuestionRequest
	audited   []desk.AuditRequest
	files     []desk.FileRequest
	lists     []desk.ListRequest
	assigned  []desk.AssignRequest
	first     map[string]desk.Idempotency
	answers   map[string]desk.StatusAnswer
	block     chan struct{} // a push waits for it
	// interrupted: the request's context ended while a push waited
	interrupted bool
	decisions   []string // on dead letters
}

func (d *fakeDesk) seen(v desk.Viewer, n conversation.Number) error {
	if d.panics {
		panic("a canary that must not be told")
	}
	if d.err != nil {
		return d.err
	}
	if n != one || (v.Agency != "" && v.Agency != "pu") {
		return desk.ErrNotFound
	}
	return nil
}

func (d *fakeDesk) Ticket(_ context.Context, r desk.TicketRequest) (desk.TicketView, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.seen(r.Viewer, r.Number); err != nil {
		return desk.TicketView{}, err
	}
	number := "+62•••••••123"
	if r.Viewer.Reveal {
		number = "+6281234567123"
	}
	return desk.TicketView{
		Number: one.String(), Kind: "complaint", Language: "id", Status: "filed", FiledAt: time.Now(), Agency: "pu",
		Texts: []desk.TextView{{At: time.Now(), Text: "jalan <rusak>"}}, Citizen: desk.CitizenView{Number: number}, Link: "main",
		Messages: []desk.MessageView{{ID: smsID, Times: map[string]time.Time{"queued": time.Now()}}},
	}, nil
}

func (d *fakeDesk) Message(_ context.Context, r desk.MessageRequest) (desk.MessageView, error) {
	if r.ID != smsID {
		return desk.MessageView{}, desk.ErrNotFound
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return desk.MessageView{ID: smsID, Ticket: one.String(), State: "delivered", Segments: 1, Alphabet: "gsm7", Link: "main"}, d.seen(r.Viewer, one)
}

func (d *fakeDesk) PushStatus(ctx context.Context, r desk.StatusRequest) (desk.StatusAnswer, bool, error) {
	if d.block != nil {
		select {
		case <-d.block:
		case <-ctx.Done():
			d.interrupted = true
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.seen(r.Viewer, r.Number); err != nil {
		return desk.StatusAnswer{}, false, err
	}
	return d.once(r.Idempotency, func() desk.StatusAnswer {
		d.statuses = append(d.statuses, r)
		a := desk.StatusAnswer{Ticket: one.String(), Status: string(r.Status), Refused: d.refused}
		if r.Notify && d.refused == nil {
			a.Messages = []string{smsID}
		}
		return a
	})
}

func (d *fakeDesk) PushQuestion(_ context.Context, r desk.QuestionRequest) (desk.StatusAnswer, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.seen(r.Viewer, r.Number); err != nil {
		return desk.StatusAnswer{}, false, err
	}
	return d.once(r.Idempotency, func() desk.StatusAnswer {
		d.questions = append(d.questions, r)
		return desk.StatusAnswer{Ticket: one.String(), Status: "filed", Messages: []string{smsID}}
	})
}

func (d *fakeDesk) File(_ context.Context, r desk.FileRequest) (desk.TicketView, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return desk.TicketView{}, false, d.err
	}
	d.files = append(d.files, r)
	return desk.TicketView{
		Number: one.String(), Kind: string(r.Kind), Language: "id", Status: "filed", FiledAt: time.Now(), Agency: r.Viewer.Agency, ExternalID: r.ExternalID,
		Texts: []desk.TextView{{At: time.Now(), Text: r.Text}}, Citizen: desk.CitizenView{Alias: "R" + one.Digits()},
	}, r.Idempotency != nil && len(d.files) > 1, nil
}

func (d *fakeDesk) List(_ context.Context, r desk.ListRequest) ([]desk.TicketView, string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return nil, "", d.err
	}
	d.lists = append(d.lists, r)
	if r.Viewer.Agency != "" && r.Viewer.Agency != "pu" {
		return nil, "", nil
	}
	next := ""
	if r.Cursor == "" {
		next = "more"
	}
	return []desk.TicketView{{Number: one.String(), Kind: "complaint", Status: "filed", FiledAt: time.Now(), Agency: "pu", Citizen: desk.CitizenView{Number: "+62•••••••123"}}}, next, nil
}

func (d *fakeDesk) Assign(_ context.Context, r desk.AssignRequest) (desk.AssignAnswer, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.seen(r.Viewer, r.Number); err != nil {
		return desk.AssignAnswer{}, false, err
	}
	d.assigned = append(d.assigned, r)
	return desk.AssignAnswer{Ticket: one.String(), Status: "forwarded", Agency: r.Agency, Visible: r.Viewer.Agency == ""}, false, nil
}

// once is called with mu held.
func (d *fakeDesk) once(idem *desk.Idempotency, do func() desk.StatusAnswer) (desk.StatusAnswer, bool, error) {
	if idem == nil {
		return do(), false, nil
	}
	if first, ok := d.first[idem.Key]; ok {
		if first.Fingerprint != idem.Fingerprint {
			return desk.StatusAnswer{}, false, desk.ErrKeyMisused
		}
		return d.answers[idem.Key], true, nil
	}
	d.first[idem.Key], d.answers[idem.Key] = *idem, do()
	return d.answers[idem.Key], false, nil
}

// fakeKeys knows keys by their secret.
type fakeKeys struct {
	mu      sync.Mutex
	lookups int
	err     error
}

var keysBySecret = map[string]store.APIKey{
	"all":     {ID: "K1", Name: "case system", Scopes: []string{"tickets:read", "tickets:write"}},
	"pii":     {ID: "K2", Name: "supervisor", Scopes: []string{"tickets:read", "pii:read"}},
	"pu":      {ID: "K3", Name: "public works", Scopes: []string{"tickets:read", "tickets:write"}, Agency: "pu"},
	"dinkes":  {ID: "K4", Name: "health", Scopes: []string{"tickets:read", "tickets:write"}, Agency: "dinkes"},
	"readers": {ID: "K5", Name: "reader", Scopes: []string{"tickets:read"}},
	"writers": {ID: "K6", Name: "writer", Scopes: []string{"tickets:write"}},
	"ops":     {ID: "K7", Name: "prometheus", Scopes: []string{"operate"}},
	"head":    {ID: "KA", Name: "head of the line", Scopes: []string{"tickets:read", "admin"}},
	"puhead":  {ID: "KB", Name: "head of public works", Scopes: []string{"tickets:read", "admin"}, Agency: "pu"},
	"revoked": {ID: "K8", Revoked: true, Scopes: []string{"tickets:read"}},
	"expired": {ID: "K9", Expires: time.Now().Add(-time.Second), Scopes: []string{"tickets:read"}},
}

func (k *fakeKeys) FindKey(_ context.Context, secret string) (store.APIKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lookups++
	if k.err != nil {
		return store.APIKey{}, k.err
	}
	if made, ok := madeKeys.Load(secret); ok {
		return made.(store.APIKey), nil
	}
	key, ok := keysBySecret[secret]
	if !ok {
		return store.APIKey{}, store.ErrNoKey
	}
	return key, nil
}

// fakeBook keeps agencies as a store does, without looking at the tree.
type fakeBook struct {
	mu  sync.Mutex
	all map[string]store.Agency
}

func (b *fakeBook) Agencies(context.Context) ([]store.Agency, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.all)), nil
}

func (b *fakeBook) PutAgency(_ context.Context, a store.Agency, want *uint64, _ func(string) string) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if want != nil && *want != b.all[a.Name].Version {
		return 0, store.ErrVersion
	}
	a.Version = b.all[a.Name].Version + 1
	b.all[a.Name] = a
	return a.Version, nil
}

func (b *fakeBook) DeleteAgency(_ context.Context, name string, want *uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch a, ok := b.all[name]; {
	case !ok:
		return store.ErrNotFound
	case want != nil && *want != a.Version:
		return store.ErrVersion
	}
	delete(b.all, name)
	return nil
}

func (b *fakeBook) ListKeys(context.Context) ([]store.APIKey, error) { return nil, nil }

// fakeEvents has events 1, 2, 3 …; a cursor is how many were read. Those of the agency "pu" are the odd ones.
type fakeEvents struct {
	mu    sync.Mutex
	asked []desk.EventsRequest
	n     int
	news  chan struct{}
	err   error
}

func (e *fakeEvents) tell(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n += n
	close(e.news)
	e.news = make(chan struct{})
}

func (e *fakeEvents) Read(ctx context.Context, r desk.EventsRequest) (desk.EventsPage, error) {
	e.mu.Lock()
	e.asked = append(e.asked, r)
	err, n, news := e.err, e.n, e.news
	e.mu.Unlock()
	from := 0
	switch {
	case err != nil:
		return desk.EventsPage{}, err
	case r.After == "end": // a stream that ends at once
		if r.Wait > 0 {
			return desk.EventsPage{}, desk.ErrUnavailable
		}
		return desk.EventsPage{Next: r.After}, nil
	case r.After == "old":
		return desk.EventsPage{}, desk.ErrGone
	case r.After != "":
		if from, err = strconv.Atoi(r.After); err != nil {
			return desk.EventsPage{}, desk.ErrCursor
		}
	}
	if from == n && r.Wait > 0 {
		wait := time.NewTimer(r.Wait)
		defer wait.Stop()
		select {
		case <-news:
			r.Wait = 0
			return e.Read(ctx, r)
		case <-wait.C:
		case <-ctx.Done():
		}
	}
	page := desk.EventsPage{Next: r.After}
	for i := from + 1; i <= n && len(page.Items) < r.Limit; i++ {
		page.Next = strconv.Itoa(i)
		if r.Viewer.Agency != "" && (r.Viewer.Agency != "pu" || i%2 == 0) {
			continue
		}
		page.After = append(page.After, page.Next)
		page.Items = append(page.Items, desk.Event{
			SpecVersion: "1.0", ID: "E" + page.Next, Source: "/aduan/1708", Type: "complaint.filed", Subject: one.String(), Time: time.Now(),
			ContentType: "application/json", Data: desk.EventData(`{"text":1}`),
		})
	}
	return page, nil
}

// api is a server under test; each of its answers is held against its own /openapi.json.
type api struct {
	t    *testing.T
	s    *staffapi.Server
	desk *fakeDesk
	keys *fakeKeys
	book *agency.Book
	feed *fakeEvents
	says *apicheck.Doc
	doc  *openapi3.T // the same
}

func newAPI(t *testing.T, change func(*staffapi.Options)) *api {
	t.Helper()
	a := &api{t: t, desk: &fakeDesk{first: map[string]desk.Idempotency{}, answers: map[string]desk.StatusAnswer{}}, keys: &fakeKeys{}}
	a.feed = &fakeEvents{news: make(chan struct{})}
	a.book = agency.New(agency.Options{Store: &fakeBook{all: map[string]store.Agency{
		"dinkes": {Name: "dinkes", Version: 1, Data: []byte("{}")}, "dinsos": {Name: "dinsos", Version: 1, Data: []byte("{}")},
	}}, Now: time.Now})
	o := staffapi.Options{Desk: a.desk, Agencies: a.book, Events: a.feed, Keys: a.keys, Keyring: keyring.Ring{Store: newRing(), Now: time.Now}, Jobs: jobs.New(jobs.Options{Store: newShelf(), Desk: a.desk, Now: time.Now, Wait: time.Millisecond}), Categories: func() []string { return []string{"road", "street_light"} }, Settings: staffapi.Settings{Hosts: []string{"Aduan.Example:8443"}}}
	if change != nil {
		change(&o)
	}
	var err error
	if a.s, err = staffapi.New(o); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	a.s.ServeHTTP(w, ask("GET", "/openapi.json", "", ""))
	if a.says, err = apicheck.Read(w.Body.Bytes()); err != nil {
		t.Fatal(err)
	}
	a.doc = a.says.T()
	return a
}

// ask makes a request with a key (empty: none) and a JSON body (empty: none).
func ask(method, path, key, body string) *http.Request {
	var rd io.Reader
	if body != "" {
		rd = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, rd)
	r.Host = "localhost:8080"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	return r
}

// do serves a request and checks the answer.
func (a *api) do(r *http.Request) *httptest.ResponseRecorder {
	a.t.Helper()
	w := httptest.NewRecorder()
	a.s.ServeHTTP(w, r)
	a.check(r, w)
	return w
}

func (a *api) check(r *http.Request, w *httptest.ResponseRecorder) {
	a.t.Helper()
	if w.Code >= 400 && !strings.HasPrefix(r.URL.Path, "/open311/") { // which has a form of its own
		problem(a.t, w)
	}
	if err := a.says.Check(r, w.Code, w.Header(), w.Body.Bytes()); err != nil {
		a.t.Error(err)
	}
}

// problem reads an answer that must be a problem document.
func problem(t *testing.T, w *httptest.ResponseRecorder) staffapi.Problem {
	t.Helper()
	var p staffapi.Problem
	if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("%d has the type %q", w.Code, ct)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Errorf("%d is no problem document: %v: %s", w.Code, err, w.Body)
	}
	if p.Status != w.Code || p.Code == "" || p.Title == "" || p.Detail == "" || p.Type != "about:blank" {
		t.Errorf("%d: %+v", w.Code, p)
	}
	return p
}
