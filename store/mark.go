package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MarkMode says what a turn expects of the mark of its digest.
type MarkMode int

// The modes of a mark.
const (
	MarkFresh      MarkMode = iota + 1 // no mark may stand
	MarkRepetition                     // the mark Replaces, settled, makes way; so does none
	MarkAgain                          // a late copy is answered once more: the mark Replaces must stand, and not have been answered again; First stays
	MarkAnew                           // the mark Replaces must stand, settled or not: the late copy of what only asked asks anew
)

// MarkWrite is the mark that a turn leaves.
type MarkWrite struct {
	Mode     MarkMode
	Digest   string
	ID       string // of this delivery
	Session  string
	Replaces string // id of the mark that was seen
	AsksOnly bool   // nothing of a ticket changed
}

// Mark tells a copy from a new message (DESIGN, promise 3). Its times are of Redis's clock.
type Mark struct {
	Digest, ID, Session string
	First, Last         time.Time
	Settled             bool // the ESME_ROK was surely read
	Again               bool // a late copy was already answered once more
	AsksOnly            bool
	SMS                 []string // ids of what the turn answered
}

// MarkRef names a mark by the delivery that has it.
type MarkRef struct {
	Citizen    CitizenID
	Digest, ID string
}

// markFields is the order in which scripts give a mark.
var markFields = []string{"id", "se", "fi", "la", "set", "ag", "ao", "sm"}

func readMark(digest string, f []string) Mark {
	if len(f) < len(markFields) || f[0] == "" {
		return Mark{Digest: digest}
	}
	return Mark{
		Digest: digest, ID: f[0], Session: f[1], First: fromMillis(f[2]), Last: fromMillis(f[3]),
		Settled: f[4] == "1", Again: f[5] == "1", AsksOnly: f[6] == "1", SMS: splitIDs(f[7]),
	}
}

// Mark reads the mark of a digest; false where none stands.
func (s *Store) Mark(ctx context.Context, id CitizenID, digest string) (Mark, bool, error) {
	v, err := s.rdb.HMGet(ctx, markKey(id, s.keys.veil(digest)), markFields...).Result()
	if err != nil {
		return Mark{}, false, fmt.Errorf("read mark of citizen %s: %w", id, err)
	}
	m := readMark(digest, asStrings(v))
	return m, m.ID != "", nil
}

// Redeliver gives the mark expect to its redelivery newID: the mark is not settled any more and stands anew. Done false:
// the mark is another one now (returned; without an id where none stands). Late or fenced is ErrNotKept.
func (s *Store) Redeliver(ctx context.Context, id CitizenID, boot string, deadline time.Time, digest, expect, newID, session string) (Mark, bool, error) {
	if err := s.boot.allowed(boot); err != nil {
		return Mark{}, false, notKept(err)
	}
	at, err := s.redisDeadline(ctx, deadline)
	if err != nil {
		if errors.Is(err, ErrLate) {
			err = notKept(err)
		}
		return Mark{}, false, err
	}
	keys := []string{markKey(id, s.keys.veil(digest)), fenceKey(id.Shard)}
	reply, err := s.lines.twice(ctx, scriptRedeliver, keys, boot, at, expect, newID, session, s.Keeping().Redelivery.Milliseconds())
	if err != nil {
		return Mark{}, false, err
	}
	l := asList(reply)
	switch asInt(l, 0) {
	case 1, 2:
		return readMark(digest, asStrings(l[1:])), asInt(l, 0) == 1, nil
	case 4:
		if asString(l[1]) == "fenced" {
			return Mark{}, false, notKept(ErrFenced)
		}
		return Mark{}, false, notKept(ErrLate)
	}
	return Mark{}, false, unknown(errors.New("the redelivery script gave an answer that this version does not know"))
}

// Settle says that the ESME_ROK of these deliveries was surely read. By id only: a mark that another delivery has by now
// stays as it is, so it may be tried again at any time.
func (s *Store) Settle(ctx context.Context, refs []MarkRef) error {
	byShard := map[int][]MarkRef{}
	for _, r := range refs {
		byShard[r.Citizen.Shard] = append(byShard[r.Citizen.Shard], r)
	}
	var jobs []*job
	for _, shard := range byShard {
		keys, args := s.settleArgs(shard)
		jobs = append(jobs, s.lines.start(ctx, scriptSettle, keys, append([]any{s.Keeping().SettledFor.Milliseconds()}, args...)))
	}
	var errs []error
	for _, j := range jobs {
		_, err := s.lines.wait1(ctx, j)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (s *Store) settleArgs(refs []MarkRef) (keys []string, ids []any) {
	for _, r := range refs {
		keys = append(keys, markKey(r.Citizen, s.keys.veil(r.Digest)))
		ids = append(ids, r.ID)
	}
	return keys, ids
}
