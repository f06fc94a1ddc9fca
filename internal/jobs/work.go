package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

const (
	atOnce     = 8                  // tickets of a job
	jobsAtOnce = 16                 // of a daemon
	tryAgain   = time.Second        // where the store cannot keep it now
	stands     = 7 * 24 * time.Hour // how long it is known that a ticket was done; each job goes on within that time
	keyEvery   = 50                 // tickets between two looks whether the key still stands
)

// lease lets one daemon of several work; *store.LineLease is one.
type lease interface {
	Hold(ctx context.Context, run func(ctx context.Context)) error
}

// Run works on jobs whenever this daemon holds the lease, until ctx ends.
func (j *Jobs) Run(ctx context.Context, l lease) error {
	return l.Hold(ctx, j.Work)
}

// Work works on all jobs that run, until ctx ends.
func (j *Jobs) Work(ctx context.Context) {
	var under sync.Map // ids of jobs that somebody here works on
	g := new(errgroup.Group)
	g.SetLimit(jobsAtOnce)
	defer func() { _ = g.Wait() }() // its functions return no error
	tick := time.NewTicker(j.o.Every)
	defer tick.Stop()
	failed := false
	for {
		ids, err := j.o.Store.RunningJobs(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			j.o.Log.Warn("jobs cannot be read, tried again", zap.Error(err))
		}
		failed = err != nil
		for _, id := range ids {
			if _, busy := under.LoadOrStore(id, true); busy {
				continue
			}
			if !g.TryGo(func() error {
				defer under.Delete(id)
				if err := j.one(ctx, id); err != nil && ctx.Err() == nil {
					j.o.Log.Warn("a job cannot go on, tried again", zap.String("job", id), zap.Error(err))
				}
				return nil
			}) {
				under.Delete(id)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-j.wake:
		case <-tick.C:
		}
	}
}

// one works on a job until it has ended, was cancelled, or ctx ends.
func (j *Jobs) one(ctx context.Context, id string) error {
	job, err := j.o.Store.Job(ctx, id)
	if err != nil || job.State != store.JobRunning {
		return err
	}
	var o order
	if err := json.Unmarshal(job.Order, &o); err != nil {
		return fmt.Errorf("jobs: order of %s: %w", id, err)
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	g, each := errgroup.WithContext(work)
	g.SetLimit(atOnce)
	var pace *rate.Limiter
	if job.Kind == kindBroadcast {
		pace = rate.NewLimiter(rate.Limit(o.PerSecond), 1)
	}
	first := map[conversation.Number]bool{}
	for i, n := range o.Tickets {
		repeated := n != 0 && first[n]
		first[n] = true
		if _, done := job.Results[i]; done {
			continue
		}
		if i%keyEvery == 0 && !j.mayGoOn(each, job) {
			_ = g.Wait()
			_, err := j.o.Store.MoveJob(ctx, id, []store.JobState{store.JobRunning}, store.JobCancelled, store.Audit{Action: job.Kind + ".stopped", Ref: id})
			return err
		}
		if pace != nil && pace.Wait(each) != nil {
			break
		}
		g.Go(func() error {
			result, err := j.ticket(each, job, &o, n, repeated)
			if err != nil {
				return err
			}
			return j.keep(each, id, i, result)
		})
	}
	switch err := g.Wait(); {
	case errors.Is(err, errCancelled):
		return nil
	case err != nil:
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_, err = j.o.Store.MoveJob(ctx, id, []store.JobState{store.JobRunning}, store.JobEnded, store.Audit{})
	if errors.Is(err, store.ErrJobState) {
		return nil // cancelled at the last moment
	}
	return err
}

var errCancelled = errors.New("the job was cancelled")

// keep writes down what became of a ticket; again until it stands, and errCancelled where nothing more is to be done.
func (j *Jobs) keep(ctx context.Context, id string, i int, result string) error {
	for {
		state, err := j.o.Store.JobResults(ctx, id, map[int]string{i: result})
		switch {
		case err == nil && state != store.JobRunning:
			return errCancelled
		case err == nil:
			return nil
		}
		if !pause(ctx) {
			return err
		}
	}
}

// mayGoOn tells whether the key that ordered it still stands: what a stolen key began ends when it is revoked.
func (j *Jobs) mayGoOn(ctx context.Context, job store.Job) bool {
	if job.KeyID == "" {
		return true
	}
	k, err := j.o.Store.KeyByID(ctx, job.KeyID)
	return !errors.Is(err, store.ErrNoKey) && (err != nil || k.Allows("tickets:write"))
}

// ticket does it for one ticket, and gives the result as it is kept. An error: ctx has ended.
func (j *Jobs) ticket(ctx context.Context, job store.Job, o *order, n conversation.Number, repeated bool) (string, error) {
	if n == 0 {
		return encode(outcome{Code: "not_found"}), nil
	}
	if repeated {
		return encode(outcome{Code: "repeated"}), nil
	}
	who := desk.Viewer{Name: job.By, Agency: job.Agency, KeyID: job.KeyID, From: job.From, Scopes: o.Scopes}
	mark := &desk.Idempotency{Key: "job." + job.ID + "." + n.Digits(), Fingerprint: "job", Stands: stands}
	for {
		var a desk.StatusAnswer
		var err error
		if job.Kind == kindBulk {
			a, _, err = j.o.Desk.PushStatus(ctx, desk.StatusRequest{
				Viewer: who, Number: n, Status: o.Status, Note: o.Text, Notify: o.Notify, Agency: o.Agency, MaxSegments: o.MaxSegments, Idempotency: mark,
			})
		} else {
			a, _, err = j.o.Desk.Broadcast(ctx, desk.BroadcastOne{Viewer: who, Number: n, Text: o.Text, Job: job.ID, MaxSegments: o.MaxSegments, Idempotency: mark})
		}
		if err == nil {
			out := outcome{Code: "done", Status: a.Status, Messages: a.Messages}
			if a.Refused != nil {
				out.Refused = *a.Refused
			}
			return encode(out), nil
		}
		if code := refusedAs(err); code != "" {
			return encode(outcome{Code: code}), nil
		}
		if ctx.Err() == nil && !errors.Is(err, desk.ErrUnavailable) {
			j.o.Log.Error("a ticket of a job failed", zap.String("job", job.ID), zap.String("ticket", n.String()), zap.Error(err))
			return encode(outcome{Code: "failed"}), nil
		}
		if !pause(ctx) {
			return "", cmp.Or(ctx.Err(), err)
		}
	}
}

// refusedAs is a refusal as results name it; "": it is none.
func refusedAs(err error) string {
	var long *desk.TooLong
	var invalid *desk.Invalid
	switch {
	case errors.Is(err, desk.ErrNotFound):
		return "not_found"
	case errors.Is(err, desk.ErrClosed):
		return "closed"
	case errors.Is(err, desk.ErrErased):
		return "erased"
	case errors.As(err, &long):
		return "too_long"
	case errors.As(err, &invalid):
		return "invalid"
	default:
		return ""
	}
}

func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(tryAgain):
		return true
	}
}

// outcome is what became of one ticket, as it is kept.
type outcome struct {
	Code     string   `json:"c"`
	Status   string   `json:"s,omitempty"`
	Messages []string `json:"m,omitempty"`
	Refused  string   `json:"r,omitempty"`
}

func encode(o outcome) string {
	b, _ := json.Marshal(o) // strings: never fails
	return string(b)
}
