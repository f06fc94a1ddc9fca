package intake

import (
	"aduan/internal/msisdn"
	"aduan/smpp"
)

// item is one message in a lane.
type item struct {
	d    *smpp.Delivery
	boot string // the boot that took it
	from msisdn.MSISDN
	// machine: a short code, an alphanumeric sender or our own code; kept,
	// never answered.
	machine bool
}

// lane is the messages of one sender that wait, in the order of their arrival.
// It exists as long as one is in hand, with one goroutine that works them off.
type lane struct {
	waiting []*item
}

// task is a lane that begins with a message.
type task struct {
	key  string
	lane *lane
	it   *item
}

// spareWorkers bounds how many goroutines wait for a lane to work off. One that
// is kept has a stack that is large enough for a turn; a new one grows it first,
// at 6 % of a message's cost.
const spareWorkers = 256

// enter puts a message at the end of its sender's lane. A session's owner
// calls it in the order of the stream, which is what promise 4 asks for.
func (in *Intake) enter(it *item) bool {
	key := it.from.Reveal()
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	if l, ok := in.lanes[key]; ok {
		l.waiting = append(l.waiting, it)
		return true
	}
	t := task{key: key, lane: &lane{}, it: it}
	in.lanes[key] = t.lane
	in.working.Add(1)
	select {
	case in.spare <- t:
	default:
		in.workers.Go(func() { in.work(t) })
	}
	return true
}

// work handles a lane until it is empty, then another.
func (in *Intake) work(t task) {
	for {
		for it := t.it; it != nil; {
			in.handle(it)
			it = in.next(t.key, t.lane)
		}
		in.working.Done()
		if in.spares.Add(1) > spareWorkers {
			in.spares.Add(-1)
			return
		}
		select {
		case t = <-in.spare:
			in.spares.Add(-1)
		case <-in.ctx.Done():
			return
		}
	}
}

func (in *Intake) next(key string, l *lane) *item {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(l.waiting) == 0 {
		delete(in.lanes, key)
		return nil
	}
	it := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	return it
}
