package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// JobState is where a job stands.
type JobState string

// The states of a job.
const (
	JobDraft     JobState = "draft"     // waits to be confirmed
	JobRunning   JobState = "running"   // some daemon works on it
	JobCancelled JobState = "cancelled" // what was done stays done
	JobEnded     JobState = "ended"
)

const (
	draftStands = 24 * time.Hour
	endedStands = 30 * 24 * time.Hour
)

// Job is what staff ordered for many tickets. Its effects are commits of their own, each with job and ticket as
// idempotency key: whoever takes the job up again repeats nothing.
type Job struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"` // bulk, broadcast
	KeyID   string    `json:"key"`
	By      string    `json:"by"`
	Agency  string    `json:"agency,omitempty"` // of the key; "": the whole line
	From    string    `json:"from,omitempty"`
	Created time.Time `json:"created"`
	Total   int       `json:"total"`
	Print   string    `json:"print,omitempty"` // fingerprint of the request that made it

	Order   []byte         `json:"-"` // sealed: what to do, and with which tickets
	State   JobState       `json:"-"`
	Results map[int]string `json:"-"` // of each ticket that is done, by its place; read by [Store.Job]
}

func jobKey(id string) string { return lineTag + "job:" + safe(id) }
func jobsKey() string         { return lineTag + "jobs" }

const resultField = "r:"

// NewJob keeps a job. Where one with its id stands already, it gives that, if the same request made it; else ErrKeyMisused.
func (s *Store) NewJob(ctx context.Context, j Job) (Job, error) {
	meta, err := json.Marshal(j)
	if err != nil {
		return Job{}, err
	}
	key := jobKey(j.ID)
	record := Audit{KeyID: j.KeyID, Action: j.Kind, From: j.From, Ref: j.ID}
	again := false
	err = s.watching(ctx, key, func(tx *redis.Tx) error {
		stands, err := s.readJob(ctx, tx, j.ID)
		if err == nil {
			if again = stands.Print == j.Print && j.Print != ""; !again {
				return ErrKeyMisused
			}
			j = stands
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, key, "m", meta, "s", string(j.State), "o", seal(s.keys.jobs, key, "o", j.Order))
			if j.State == JobDraft {
				p.PExpire(ctx, key, draftStands)
			} else {
				p.ZAdd(ctx, jobsKey(), redis.Z{Score: float64(millis(j.Created)), Member: j.ID})
			}
			p.XAdd(ctx, &redis.XAddArgs{Stream: auditKey(LineChain), Values: []any{"a", record.encode()}})
			return nil
		})
		return err
	})
	if err != nil {
		return Job{}, fmt.Errorf("new job: %w", err)
	}
	return j, nil
}

// watching does something with a key as it stands, again where another changed it meanwhile.
func (s *Store) watching(ctx context.Context, key string, do func(*redis.Tx) error) error {
	var err error
	for range keyRetries {
		if err = s.rdb.Watch(ctx, do, key); !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
	return err
}

// Job reads a job with its results. ErrNotFound where it does not stand (any more).
func (s *Store) Job(ctx context.Context, id string) (Job, error) { return s.readJob(ctx, s.rdb, id) }

func (s *Store) readJob(ctx context.Context, c redis.Cmdable, id string) (Job, error) {
	key := jobKey(id)
	f, err := c.HGetAll(ctx, key).Result()
	if err != nil {
		return Job{}, fmt.Errorf("job: %w", judge(err))
	}
	if f["m"] == "" {
		return Job{}, fmt.Errorf("job: %w", ErrNotFound)
	}
	j := Job{State: JobState(f["s"]), Results: map[int]string{}}
	if err := json.Unmarshal([]byte(f["m"]), &j); err != nil {
		return Job{}, damaged(key, "m", err)
	}
	if j.Order, err = unseal(s.keys.jobs, key, "o", []byte(f["o"])); err != nil {
		return Job{}, err
	}
	for field, v := range f {
		if place, ok := strings.CutPrefix(field, resultField); ok {
			n, err := strconv.Atoi(place)
			if err != nil {
				return Job{}, damaged(key, field, err)
			}
			j.Results[n] = v
		}
	}
	return j, nil
}

// ErrJobState: the job is not in a state from which this is done.
var ErrJobState = errors.New("the job does not stand where this could be done")

// MoveJob takes a job from one of some states to another; in that one already, it does nothing.
func (s *Store) MoveJob(ctx context.Context, id string, from []JobState, to JobState, by Audit) (Job, error) {
	key := jobKey(id)
	var j Job
	err := s.watching(ctx, key, func(tx *redis.Tx) error {
		var err error
		if j, err = s.readJob(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case j.State == to:
			return nil
		case !slices.Contains(from, j.State):
			return ErrJobState
		}
		j.State = to
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, key, "s", string(to))
			if to == JobRunning {
				p.Persist(ctx, key)
				p.ZAdd(ctx, jobsKey(), redis.Z{Score: float64(millis(j.Created)), Member: id})
			} else {
				p.ZRem(ctx, jobsKey(), id)
				p.PExpire(ctx, key, endedStands)
			}
			if by.Action != "" {
				p.XAdd(ctx, &redis.XAddArgs{Stream: auditKey(LineChain), Values: []any{"a", by.encode()}})
			}
			return nil
		})
		return err
	})
	if err != nil {
		return Job{}, fmt.Errorf("job: %w", err)
	}
	return j, nil
}

// RunningJobs are the ids of the jobs to be worked on, the oldest first.
func (s *Store) RunningJobs(ctx context.Context) ([]string, error) {
	ids, err := s.rdb.ZRange(ctx, jobsKey(), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", judge(err))
	}
	return ids, nil
}

// JobResults keeps what became of some tickets of a running job, and says where the job stands now.
func (s *Store) JobResults(ctx context.Context, id string, results map[int]string) (JobState, error) {
	var state *redis.StringCmd
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, n := range slices.Sorted(maps.Keys(results)) {
			p.HSet(ctx, jobKey(id), resultField+strconv.Itoa(n), results[n])
		}
		state = p.HGet(ctx, jobKey(id), "s")
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("job: %w", judge(err))
	}
	return JobState(state.Val()), nil
}
