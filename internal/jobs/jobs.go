package jobs

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

// Limits of a job.
const (
	MaxBulk      = 1_000
	MaxBroadcast = 10_000
	MaxPerSecond = 50

	defaultPerSecond = 5
	readAtOnce       = 16 // tickets looked at while a broadcast is prepared
)

const (
	kindBulk      = "bulk"
	kindBroadcast = "broadcast"
)

// keeper is what jobs need of the store; *store.Store is one.
type keeper interface {
	NewJob(ctx context.Context, j store.Job) (store.Job, error)
	Job(ctx context.Context, id string) (store.Job, error)
	MoveJob(ctx context.Context, id string, from []store.JobState, to store.JobState, by store.Audit) (store.Job, error)
	RunningJobs(ctx context.Context) ([]string, error)
	JobResults(ctx context.Context, id string, results map[int]string) (store.JobState, error)
	KeyByID(ctx context.Context, id string) (store.APIKey, error)
}

// worker does it for one ticket; *turn.Desk does.
type worker interface {
	PushStatus(ctx context.Context, r desk.StatusRequest) (a desk.StatusAnswer, replayed bool, err error)
	Broadcast(ctx context.Context, r desk.BroadcastOne) (a desk.StatusAnswer, replayed bool, err error)
	Reach(ctx context.Context, v desk.Viewer, n conversation.Number, text string) (citizen, sms, refused string, err error)
	Select(ctx context.Context, v desk.Viewer, r desk.ListRequest, limit int) (numbers []conversation.Number, more bool, err error)
	SegmentsOf(text string) int
}

// Options are the parts of Jobs. Store, Desk and Now are required.
type Options struct {
	Store keeper
	Desk  worker
	Now   func() time.Time
	Log   *zap.Logger
	// Wait is how long a bulk status waits for its end before it is answered as it stands; default 10 s.
	Wait time.Duration
	// Every is between two looks for work; default 500 ms.
	Every time.Duration
}

// Jobs takes orders and works on them. Its methods may be called from any goroutine.
type Jobs struct {
	o    Options
	wake chan struct{} // something is to be done
}

// New makes Jobs; nothing is worked on before Run.
func New(o Options) *Jobs {
	o.Wait = cmp.Or(o.Wait, 10*time.Second)
	o.Every = cmp.Or(o.Every, 500*time.Millisecond)
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return &Jobs{o: o, wake: make(chan struct{}, 1)}
}

// order is what a job is to do, sealed in the store.
type order struct {
	Asked       []string              `json:"asked,omitempty"` // bulk: the numbers as they were written
	Tickets     []conversation.Number `json:"tickets"`         // 0: none has the number that was asked for
	Status      conversation.Status   `json:"status,omitempty"`
	Text        string                `json:"text,omitempty"` // note, or broadcast
	Notify      bool                  `json:"notify,omitempty"`
	Agency      *string               `json:"agency,omitempty"`
	MaxSegments int                   `json:"max,omitempty"`
	PerSecond   int                   `json:"rate,omitempty"`
	Example     string                `json:"example,omitempty"` // the longest SMS
	Segments    int                   `json:"segments,omitempty"`
	Skipped     map[string]int        `json:"skipped,omitempty"`
	Scopes      []string              `json:"scopes,omitempty"`
}

// Bulk orders a status for many tickets, and waits a while for it.
func (j *Jobs) Bulk(ctx context.Context, r desk.BulkRequest) (desk.BulkView, error) {
	if len(r.Tickets) == 0 || len(r.Tickets) > MaxBulk {
		return desk.BulkView{}, &desk.Invalid{Field: "tickets", Reason: "expected 1 to 1,000 ticket numbers"}
	}
	o := order{Asked: r.Tickets, Status: r.Status, Text: r.Note, Notify: r.Notify, Agency: r.Agency, MaxSegments: r.MaxSegments}
	for _, s := range r.Tickets {
		n, err := conversation.ParseNumber(s)
		if err != nil {
			n = 0
		}
		o.Tickets = append(o.Tickets, n)
	}
	job, err := j.order(ctx, kindBulk, store.JobRunning, r.Viewer, r.Idempotency, o)
	if err != nil {
		return desk.BulkView{}, err
	}
	return j.await(ctx, job.ID)
}

// await reads a bulk status until it has ended, or as long as its caller shall wait.
func (j *Jobs) await(ctx context.Context, id string) (desk.BulkView, error) {
	until := time.NewTimer(j.o.Wait)
	defer until.Stop()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 400*time.Millisecond) {
		job, err := j.o.Store.Job(ctx, id)
		if err != nil {
			return desk.BulkView{}, refusal(err)
		}
		view, err := bulkView(job)
		if err != nil || job.State != store.JobRunning {
			return view, err
		}
		select {
		case <-until.C:
			return view, nil
		case <-ctx.Done():
			return view, nil
		case <-time.After(pause):
		}
	}
}

// BulkStatus is how far a bulk status is.
func (j *Jobs) BulkStatus(ctx context.Context, r desk.JobRequest) (desk.BulkView, error) {
	job, err := j.own(ctx, kindBulk, r)
	if err != nil {
		return desk.BulkView{}, err
	}
	return bulkView(job)
}

// Broadcast prepares a broadcast: who would be told, what it would cost. Nothing is sent.
func (j *Jobs) Broadcast(ctx context.Context, r desk.BroadcastRequest) (desk.BroadcastView, error) {
	if strings.TrimSpace(r.Text) == "" {
		return desk.BroadcastView{}, &desk.Invalid{Field: "text", Reason: "expected what the citizens shall read"}
	}
	if (len(r.Tickets) == 0) == (r.Filter == nil) {
		return desk.BroadcastView{}, &desk.Invalid{Field: "tickets", Reason: "expected either ticket numbers or a filter"}
	}
	o := order{Text: r.Text, PerSecond: min(cmp.Or(r.PerSecond, defaultPerSecond), MaxPerSecond), MaxSegments: cmp.Or(r.MaxSegments, 3), Skipped: map[string]int{}}
	numbers, err := j.selected(ctx, r, &o)
	if err != nil {
		return desk.BroadcastView{}, err
	}
	if err := j.plan(ctx, r, numbers, &o); err != nil {
		return desk.BroadcastView{}, err
	}
	if o.Segments > o.MaxSegments {
		return desk.BroadcastView{}, &desk.TooLong{Segments: o.Segments, Max: o.MaxSegments}
	}
	job, err := j.order(ctx, kindBroadcast, store.JobDraft, r.Viewer, r.Idempotency, o)
	if err != nil {
		return desk.BroadcastView{}, err
	}
	return broadcastView(job)
}

// selected are the tickets that a broadcast is about.
func (j *Jobs) selected(ctx context.Context, r desk.BroadcastRequest, o *order) (numbers []conversation.Number, err error) {
	if r.Filter != nil {
		numbers, more, err := j.o.Desk.Select(ctx, r.Viewer, *r.Filter, MaxBroadcast)
		if more {
			return nil, &desk.Invalid{Field: "filter", Reason: "it selects more than 10,000 tickets: narrow it"}
		}
		return numbers, err
	}
	if len(r.Tickets) > MaxBroadcast {
		return nil, &desk.Invalid{Field: "tickets", Reason: "expected at most 10,000"}
	}
	seen := map[conversation.Number]bool{}
	for _, s := range r.Tickets {
		n, err := conversation.ParseNumber(s)
		switch {
		case err != nil:
			o.Skipped["not_found"]++
		case !seen[n]:
			seen[n] = true
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// plan chooses one ticket of each citizen who can be told, and counts the others by reason.
func (j *Jobs) plan(ctx context.Context, r desk.BroadcastRequest, numbers []conversation.Number, o *order) error {
	type reached struct{ citizen, sms, refused string }
	all := make([]reached, len(numbers))
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(readAtOnce)
	for i, n := range numbers {
		g.Go(func() (err error) {
			all[i].citizen, all[i].sms, all[i].refused, err = j.o.Desk.Reach(each, r.Viewer, n, r.Text)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	told := map[string]bool{}
	for i, a := range all {
		switch {
		case a.refused != "":
			o.Skipped[a.refused]++
		case told[a.citizen]:
			o.Skipped["same_citizen"]++
		default:
			told[a.citizen] = true
			o.Tickets = append(o.Tickets, numbers[i])
			if n := j.o.Desk.SegmentsOf(a.sms); n > o.Segments || o.Example == "" {
				o.Segments, o.Example = n, a.sms
			}
		}
	}
	return nil
}

// order keeps a job.
func (j *Jobs) order(ctx context.Context, kind string, state store.JobState, v desk.Viewer, idem *desk.Idempotency, o order) (store.Job, error) {
	o.Scopes = v.Scopes
	body, err := json.Marshal(o)
	if err != nil {
		return store.Job{}, fmt.Errorf("jobs: order: %w", err)
	}
	job := store.Job{
		ID: strings.ToLower(rand.Text())[:20], Kind: kind, KeyID: v.KeyID, By: v.Name, Agency: v.Agency, From: v.From,
		Created: j.o.Now().UTC(), Total: len(o.Tickets), Order: body, State: state, Results: map[int]string{},
	}
	if idem != nil { // the same request again is the same job
		sum := sha256.Sum256([]byte("job " + idem.Key))
		job.ID, job.Print = strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:20], idem.Fingerprint
	}
	if job, err = j.o.Store.NewJob(ctx, job); err != nil {
		return store.Job{}, refusal(err)
	}
	j.look()
	return job, nil
}

// look lets the worker look for work now.
func (j *Jobs) look() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// own finds a job that the viewer may know of: another agency's is as one that does not exist.
func (j *Jobs) own(ctx context.Context, kind string, r desk.JobRequest) (store.Job, error) {
	job, err := j.o.Store.Job(ctx, r.ID)
	if err != nil {
		return job, refusal(err)
	}
	if job.Kind != kind || (r.Viewer.Agency != "" && job.Agency != r.Viewer.Agency) {
		return store.Job{}, desk.ErrNotFound
	}
	return job, nil
}

// BroadcastStatus is how far a broadcast is.
func (j *Jobs) BroadcastStatus(ctx context.Context, r desk.JobRequest) (desk.BroadcastView, error) {
	job, err := j.own(ctx, kindBroadcast, r)
	if err != nil {
		return desk.BroadcastView{}, err
	}
	return broadcastView(job)
}

// Confirm lets a broadcast go out.
func (j *Jobs) Confirm(ctx context.Context, r desk.JobRequest) (desk.BroadcastView, error) {
	return j.decide(ctx, r, []store.JobState{store.JobDraft}, store.JobRunning, "broadcast.confirm")
}

// Cancel ends a broadcast; who was told was told, and SMS that wait for the morning go out.
func (j *Jobs) Cancel(ctx context.Context, r desk.JobRequest) (desk.BroadcastView, error) {
	return j.decide(ctx, r, []store.JobState{store.JobDraft, store.JobRunning}, store.JobCancelled, "broadcast.cancel")
}

func (j *Jobs) decide(ctx context.Context, r desk.JobRequest, from []store.JobState, to store.JobState, action string) (desk.BroadcastView, error) {
	job, err := j.own(ctx, kindBroadcast, r)
	if err != nil {
		return desk.BroadcastView{}, err
	}
	if to == store.JobRunning && job.State == store.JobEnded { // confirmed, and done already
		return broadcastView(job)
	}
	job, err = j.o.Store.MoveJob(ctx, r.ID, from, to, store.Audit{KeyID: r.Viewer.KeyID, Action: action, From: r.Viewer.From, Ref: r.ID})
	if err != nil {
		return desk.BroadcastView{}, refusal(err)
	}
	j.look()
	return broadcastView(job)
}

func refusal(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return desk.ErrNotFound
	case errors.Is(err, store.ErrKeyMisused):
		return desk.ErrKeyMisused
	case errors.Is(err, store.ErrJobState):
		return desk.ErrJobState
	case errors.Is(err, store.ErrDamaged):
		return err
	default:
		return fmt.Errorf("%w: %w", desk.ErrUnavailable, err)
	}
}
