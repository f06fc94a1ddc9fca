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
	l := &lane{}
	in.lanes[key] = l
	in.working.Add(1)
	go in.work(key, l, it)
	return true
}

// work handles a lane until it is empty.
func (in *Intake) work(key string, l *lane, it *item) {
	defer in.working.Done()
	for it != nil {
		in.handle(it)
		it = in.next(key, l)
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
