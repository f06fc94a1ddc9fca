package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/jobs"
	"aduan/internal/msisdn"
	"aduan/internal/turn"
	"aduan/internal/turn/turntest"
	"aduan/store"
	"aduan/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var engine = sync.OnceValue(func() *conversation.Engine { return turntest.Engine(turntest.WIB) })

type stage struct {
	t     *testing.T
	store *store.Store
	turn  *turn.Turner
	desk  *turn.Desk
	count atomic.Int64
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t}
	s.store, _ = storetest.Open(t)
	s.turn = turn.New(turn.Options{Store: s.store, Engine: engine(), Outbox: turntest.NoOutbox{}, Now: time.Now, ShortCode: "1708", DefaultLink: "main"})
	s.desk = turn.NewDesk(s.turn)
	return s
}

func (s *stage) sms(citizen int, text string) conversation.Effects {
	s.t.Helper()
	from, err := msisdn.FromE164(fmt.Sprintf("+62812345%05d", citizen))
	if err != nil {
		s.t.Fatal(err)
	}
	id := fmt.Sprintf("d%d", s.count.Add(1))
	res, err := s.turn.SMS(s.t.Context(), turn.Message{
		From: from, To: "1708", Link: "main", Text: text, Raw: []byte(text), Mark: &store.MarkWrite{Mode: store.MarkFresh, Digest: id, ID: id, Session: "s"},
		Input: func(n conversation.Number, known []conversation.Ticket) conversation.Input {
			return conversation.SMS{Text: text, Link: "main", NewNumber: n, Known: known}
		},
	})
	if err != nil || res.Outcome.Kind != store.Kept {
		s.t.Fatal(res.Outcome.Kind, err)
	}
	return res.Effects
}

func (s *stage) filed(citizen int) string {
	s.t.Helper()
	eff := s.sms(citizen, fmt.Sprintf("LAPOR jalan rusak di RT %d", s.count.Load()))
	return eff.Tickets[len(eff.Tickets)-1].Number.String()
}

// pushed is how many SMS about a ticket were made of each class.
func (s *stage) pushed(number string) map[store.Class]int {
	s.t.Helper()
	n, err := conversation.ParseNumber(number)
	if err != nil {
		s.t.Fatal(err)
	}
	view, err := s.desk.Ticket(s.t.Context(), desk.TicketRequest{Number: n})
	if err != nil {
		s.t.Fatal(err)
	}
	var ids []string
	for _, m := range view.Messages {
		ids = append(ids, m.ID)
	}
	msgs, err := s.store.Messages(s.t.Context(), ids)
	if err != nil {
		s.t.Fatal(err)
	}
	of := map[store.Class]int{}
	for _, m := range msgs {
		of[m.Class]++
	}
	return of
}

// dying is a desk whose daemon is killed again and again: after an effect, before its result is written down.
type dying struct {
	*turn.Desk
	after int64
	n     atomic.Int64
	kill  func()
}

func (d *dying) PushStatus(ctx context.Context, r desk.StatusRequest) (desk.StatusAnswer, bool, error) {
	a, again, err := d.Desk.PushStatus(ctx, r)
	return d.maybe(a, again, err)
}

func (d *dying) Broadcast(ctx context.Context, r desk.BroadcastOne) (desk.StatusAnswer, bool, error) {
	a, again, err := d.Desk.Broadcast(ctx, r)
	return d.maybe(a, again, err)
}

func (d *dying) maybe(a desk.StatusAnswer, again bool, err error) (desk.StatusAnswer, bool, error) {
	if d.n.Add(1) >= d.after {
		d.kill()
		return a, again, fmt.Errorf("%w: killed", desk.ErrUnavailable)
	}
	return a, again, err
}

// kills works on a job with daemons that die after every few tickets, and then with one that lives.
func (s *stage) kills(ended func() bool) (deaths int) {
	s.t.Helper()
	for ; deaths < 6; deaths++ {
		ctx, stop := context.WithCancel(s.t.Context())
		d := &dying{Desk: s.desk, after: 5, kill: stop}
		var working sync.WaitGroup
		working.Go(func() {
			jobs.New(jobs.Options{Store: s.store, Desk: d, Now: time.Now, Every: 5 * time.Millisecond}).Work(ctx)
		})
		for ctx.Err() == nil && !ended() {
			time.Sleep(5 * time.Millisecond)
		}
		stop()
		working.Wait()
		if ended() {
			break
		}
	}
	ctx, stop := context.WithCancel(s.t.Context())
	defer stop()
	var two sync.WaitGroup // both believe to hold the lease
	for range 2 {
		two.Go(func() {
			jobs.New(jobs.Options{Store: s.store, Desk: s.desk, Now: time.Now, Every: 5 * time.Millisecond}).Work(ctx)
		})
	}
	for deadline := time.Now().Add(20 * time.Second); !ended(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatal("the job does not end")
		}
	}
	stop()
	two.Wait()
	return deaths
}

func TestABulkStatusRepeatsNothingThroughKillsAndTwoDaemons(t *testing.T) {
	s := newStage(t)
	var asked []string
	for i := range 40 {
		asked = append(asked, s.filed(i))
	}
	first := asked[0]
	asked = append(asked, "hello", first, conversation.NewNumber(7, 99_999).String())
	v, err := jobs.New(jobs.Options{Store: s.store, Desk: s.desk, Now: time.Now, Wait: time.Millisecond}).Bulk(t.Context(), desk.BulkRequest{
		Viewer: desk.Viewer{Name: "kantor"}, Tickets: asked, Status: conversation.InProgress, Note: "Tim turun.", Notify: true,
		Idempotency: &desk.Idempotency{Key: "k", Fingerprint: "f"},
	})
	if err != nil || v.Total != 43 {
		t.Fatal(v, err)
	}
	reader := jobs.New(jobs.Options{Store: s.store, Desk: s.desk, Now: time.Now})
	look := func() desk.BulkView {
		v, err := reader.BulkStatus(t.Context(), desk.JobRequest{ID: v.ID})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if deaths := s.kills(func() bool { return look().State == "ended" }); deaths < 3 {
		t.Errorf("only %d daemons died", deaths)
	}
	codes := map[string]int{}
	for _, r := range look().Results {
		codes[r.Code]++
		if r.Code == "done" && (r.Status != "in_progress" || len(r.Messages) != 1) {
			t.Errorf("%+v", r)
		}
	}
	if codes["done"] != 40 || codes["not_found"] != 2 || codes["repeated"] != 1 {
		t.Errorf("results %v", codes)
	}
	for _, number := range asked[:40] {
		if n := s.pushed(number)[store.ClassPush]; n != 1 {
			t.Errorf("%s: %d pushes", number, n)
		}
	}
	again, err := reader.Bulk(t.Context(), desk.BulkRequest{
		Viewer: desk.Viewer{Name: "kantor"}, Tickets: asked, Status: conversation.InProgress, Idempotency: &desk.Idempotency{Key: "k", Fingerprint: "f"},
	})
	if err != nil || again.ID != v.ID || again.State != "ended" {
		t.Errorf("the same request again: %+v, %v", again.State, err)
	}
	if _, err := reader.Bulk(t.Context(), desk.BulkRequest{Tickets: []string{first}, Idempotency: &desk.Idempotency{Key: "k", Fingerprint: "g"}}); !errors.Is(err, desk.ErrKeyMisused) {
		t.Errorf("the same key with another body: %v", err)
	}
}

func TestABroadcastTellsEachCitizenOnce(t *testing.T) {
	s := newStage(t)
	var asked []string
	for i := range 60 { // three tickets of each citizen
		asked = append(asked, s.filed(i/3))
	}
	s.sms(19, "STOP") // opted out before it is prepared
	reader := jobs.New(jobs.Options{Store: s.store, Desk: s.desk, Now: time.Now})
	v, err := reader.Broadcast(t.Context(), desk.BroadcastRequest{Viewer: desk.Viewer{Name: "kantor"}, Tickets: asked, Text: "Posko buka di balai desa.", PerSecond: 50})
	if err != nil || v.Citizens != 19 || v.Skipped["same_citizen"] != 38 || v.Skipped["opted_out"] != 3 || v.Segments != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	s.sms(0, "STOP") // and one afterwards
	look := func() desk.BroadcastView {
		v, err := reader.BroadcastStatus(t.Context(), desk.JobRequest{ID: v.ID})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if _, err := reader.BroadcastStatus(t.Context(), desk.JobRequest{ID: v.ID, Viewer: desk.Viewer{Agency: "pu"}}); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("another agency sees it: %v", err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	jobs.New(jobs.Options{Store: s.store, Desk: s.desk, Now: time.Now, Every: 5 * time.Millisecond}).Work(ctx)
	stop()
	if look().Done != 0 {
		t.Error("something was sent before it was confirmed")
	}
	if _, err := reader.Confirm(t.Context(), desk.JobRequest{ID: v.ID}); err != nil {
		t.Fatal(err)
	}
	s.kills(func() bool { return look().State == "ended" })
	if end := look(); end.Queued != 18 || end.Refused["opted_out"] != 1 || end.Done != 19 {
		t.Errorf("%+v", end)
	}
	told := 0
	for i := 0; i < len(asked); i += 3 {
		n := 0
		for _, number := range asked[i : i+3] {
			n += s.pushed(number)[store.ClassBroadcast]
		}
		if n > 1 {
			t.Errorf("the citizen of %s got %d SMS", asked[i], n)
		}
		told += n
	}
	if told != 18 {
		t.Errorf("%d citizens were told", told)
	}
}

func TestACancelledBroadcastTellsNobodyMore(t *testing.T) {
	s := newStage(t)
	var asked []string
	for i := range 30 {
		asked = append(asked, s.filed(i))
	}
	j := jobs.New(jobs.Options{Store: s.store, Desk: s.desk, Now: time.Now, Every: 5 * time.Millisecond})
	v, err := j.Broadcast(t.Context(), desk.BroadcastRequest{Viewer: desk.Viewer{Name: "kantor"}, Tickets: asked, Text: "Posko buka.", PerSecond: 10})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Confirm(t.Context(), desk.JobRequest{ID: v.ID}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { j.Work(ctx) })
	look := func() desk.BroadcastView {
		v, err := j.BroadcastStatus(t.Context(), desk.JobRequest{ID: v.ID})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for look().Done == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := j.Cancel(t.Context(), desk.JobRequest{ID: v.ID}); err != nil {
		t.Fatal(err)
	}
	at := look().Done
	time.Sleep(300 * time.Millisecond) // three more would have gone out
	stop()
	working.Wait()
	if end := look(); end.State != "cancelled" || end.Done > at+1 || end.Queued >= 30 {
		t.Errorf("%d were told when it was cancelled, then %+v", at, end)
	}
}

// A key that is revoked takes its jobs with it.
func TestAJobEndsWithItsKey(t *testing.T) {
	s := newStage(t)
	secret, err := s.store.AddKey(t.Context(), store.APIKey{Name: "stolen", Scopes: []string{"tickets:write"}})
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.store.FindKey(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	j := jobs.New(jobs.Options{Store: s.store, Desk: s.desk, Now: time.Now, Every: 5 * time.Millisecond, Wait: time.Millisecond})
	v, err := j.Bulk(t.Context(), desk.BulkRequest{Viewer: desk.Viewer{Name: k.Name, KeyID: k.ID}, Tickets: []string{s.filed(1)}, Status: conversation.Closed})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.RevokeKey(t.Context(), k.ID); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { j.Work(ctx) })
	for v.State == "running" {
		if v, err = j.BulkStatus(t.Context(), desk.JobRequest{ID: v.ID}); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	working.Wait()
	if v.State != "cancelled" || v.Done != 0 {
		t.Errorf("%+v", v)
	}
}
