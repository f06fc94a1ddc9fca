package intake

import (
	"context"
	"errors"
	"time"

	"aduan/internal/turn"
	"aduan/smpp"
	"aduan/store"
)

const (
	// lateCopy is the age of a mark from which on a copy is answered again:
	// doubt never silences a citizen for long.
	lateCopy = 10 * time.Minute
	// markPoll is how often a mark of another daemon's session is looked at.
	markPoll = 100 * time.Millisecond
)

// copy decides on a message that met the mark of an equal one (promise 3): a
// repetition is a turn of its own, a redelivery changes nothing.
//
// It is a repetition only if the mark is settled (the earlier acknowledgement
// was surely read), this message's own session has answered an enquire_link
// sent after the mark was seen (so it is no leftover of a dead connection),
// and the message is younger than ack_within (so the SMSC has not given up on
// it). It waits for that no longer than copyWait; in doubt it is a redelivery.
func (in *Intake) copy(ctx context.Context, it *item, m turn.Message, mark store.Mark, begun time.Time) verdict {
	ctx, cancel := context.WithDeadline(ctx, begun.Add(in.copyWait(it.d.Link)))
	defer cancel()
	for {
		if !it.d.Carrier.Alive() {
			in.o.Metrics.copies("dropped")
			return dropped
		}
		if mark.ID == it.d.ID { // our own commit, whose answer was lost: touched, so that replicas confirm it
			v, _ := in.redeliver(it, m, mark)
			return v
		}
		if in.never(mark) || ctx.Err() != nil {
			return in.redelivered(it, m, mark)
		}
		if mark.Settled {
			v, next := in.repeated(ctx, it, m, mark)
			if next == nil {
				return v
			}
			mark = *next
			continue
		}
		next, ok, err := in.settling(ctx, it, m, mark)
		switch {
		case err != nil && ctx.Err() == nil:
			return in.failed(it, err)
		case err != nil:
			continue // the time is up
		case !ok: // the mark went: nothing to be a copy of
			return in.once(context.WithoutCancel(ctx), it, m, begun)
		}
		mark = next
	}
}

// never reports whether a mark can no longer become settled: its session is
// known to be dead, or its acknowledgement was not given in time.
func (in *Intake) never(mark store.Mark) bool {
	return !mark.Settled && (in.sessions.dead(mark.Session) || in.sessions.isUnprovable(mark.ID))
}

// settling helps an unsettled mark along: a session of ours is asked at once
// whether it has read the acknowledgement, another daemon's is waited for. It
// returns the mark as it stands then.
func (in *Intake) settling(ctx context.Context, it *item, m turn.Message, mark store.Mark) (store.Mark, bool, error) {
	if c := in.sessions.carrier(mark.Session); c != nil {
		if err := c.Probe(ctx); err == nil {
			in.settler.Flush(ctx)
		} else if ctx.Err() == nil && !errors.Is(err, smpp.ErrSessionClosed) {
			return mark, true, err
		}
	}
	next, ok, err := in.o.Store.Mark(ctx, in.o.Store.Identify(it.from), m.Mark.Digest)
	if err != nil || !ok || next.Settled {
		return next, ok, err
	}
	t := time.NewTimer(markPoll)
	defer t.Stop()
	select {
	case <-t.C:
		return next, true, nil
	case <-ctx.Done():
		return next, true, ctx.Err()
	}
}

// repeated makes a settled mark's copy a turn of its own where all is proven.
// A second result is the mark that stands instead, to be judged anew.
func (in *Intake) repeated(ctx context.Context, it *item, m turn.Message, mark store.Mark) (verdict, *store.Mark) {
	if err := it.d.Carrier.Probe(ctx); err != nil {
		if errors.Is(err, smpp.ErrSessionClosed) || !it.d.Carrier.Alive() {
			in.o.Metrics.copies("dropped")
			return dropped, nil
		}
		return in.redelivered(it, m, mark), nil
	}
	if in.age(it) >= in.ackWithin(it.d.Link) {
		return in.redelivered(it, m, mark), nil
	}
	again := *m.Mark
	again.Mode, again.Replaces = store.MarkRepetition, mark.ID
	m.Mark = &again
	res, err := in.commit(context.WithoutCancel(ctx), it, m)
	switch {
	case err != nil:
		return in.failed(it, err), nil
	case res.Outcome.Kind == store.Kept:
		in.o.Metrics.copies("repetition")
		return acknowledged, nil
	case res.Outcome.Kind == store.Copy:
		return later, &res.Outcome.Mark
	default:
		return later, nil
	}
}

// redelivered acknowledges a copy without a turn: its own acknowledgement then
// decides on the mark. A copy that comes late is answered once more, or, where
// the first only asked, is a new turn.
func (in *Intake) redelivered(it *item, m turn.Message, mark store.Mark) verdict {
	for range 3 {
		if in.late(mark) {
			if v, done := in.doubted(it, m, mark); done {
				return v
			}
		}
		v, next := in.redeliver(it, m, mark)
		if next == nil {
			return v
		}
		mark = *next
	}
	return later
}

// redeliver gives the mark this delivery's id.
func (in *Intake) redeliver(it *item, m turn.Message, mark store.Mark) (verdict, *store.Mark) {
	wait := in.commitWait(it.d.Link)
	ctx, cancel := context.WithTimeout(in.ctx, wait)
	defer cancel()
	id := in.o.Store.Identify(it.from)
	stands, ok, err := in.o.Store.Redeliver(ctx, id, it.boot, in.o.Now().Add(wait), m.Mark.Digest, mark.ID, it.d.ID, it.d.Carrier.ID())
	if err != nil {
		return in.failed(it, err), nil
	}
	if !ok {
		return later, &stands
	}
	in.o.Metrics.copies("redelivery")
	in.settler.expect(it.d.ID, it.d.Carrier.ID(), store.MarkRef{Citizen: id, Digest: m.Mark.Digest, ID: it.d.ID})
	return acknowledged, nil
}

// late reports whether a mark is so old that its copy must not go unanswered.
func (in *Intake) late(mark store.Mark) bool {
	now, ok := in.o.Store.RedisNow()
	return ok && now.Sub(mark.First) > lateCopy && (mark.AsksOnly || (!mark.Again && len(mark.SMS) > 0))
}

// doubted answers a late copy: what only asked is asked again, else the same
// SMS goes out once more. It reports false where the plain rule must decide.
func (in *Intake) doubted(it *item, m turn.Message, mark store.Mark) (verdict, bool) {
	w := *m.Mark
	w.Replaces = mark.ID
	var (
		res turn.Result
		err error
	)
	if mark.AsksOnly {
		w.Mode = store.MarkAnew
		m.Mark = &w
		res, err = in.commit(in.ctx, it, m)
	} else {
		w.Mode = store.MarkAgain
		m.Mark = &w
		wait := in.commitWait(it.d.Link)
		ctx, cancel := context.WithTimeout(in.ctx, wait)
		defer cancel()
		m.Deadline = in.o.Now().Add(wait)
		res, err = in.o.Turner.Again(ctx, m, mark.SMS)
	}
	if err != nil {
		return in.failed(it, err), true
	}
	if res.Outcome.Kind != store.Kept {
		return later, false
	}
	in.o.Metrics.copies("answered again")
	return in.own(it, m), true
}

// own acknowledges a delivery whose mark bears its own id.
func (in *Intake) own(it *item, m turn.Message) verdict {
	in.settler.expect(it.d.ID, it.d.Carrier.ID(), store.MarkRef{Citizen: in.o.Store.Identify(it.from), Digest: m.Mark.Digest, ID: it.d.ID})
	return acknowledged
}
