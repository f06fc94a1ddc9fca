package sender

import (
	"sync"

	"aduan/store"
)

// inHand is what this process brings, or will bring, to its end: queued, being
// submitted, or waiting for its outcome to be stored. The store may say that we
// hold an SMS which is here already; it is sent once all the same.
type inHand struct {
	mu  sync.Mutex // guards sms
	sms map[inHandKey]struct{}
}

type inHandKey struct{ boot, id string }

func newInHand() *inHand { return &inHand{sms: map[inHandKey]struct{}{}} }

// take notes an SMS; false where it is here already.
func (i *inHand) take(boot, id string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	key := inHandKey{boot, id}
	if _, here := i.sms[key]; here {
		return false
	}
	i.sms[key] = struct{}{}
	return true
}

func (i *inHand) drop(boot, id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.sms, inHandKey{boot, id})
}

// letGo drops an SMS whose try has ended, unless its outcome is still to be stored.
func (s *Sender) letGo(boot, id string) {
	if !s.stuck.has(boot, id) {
		s.inHand.drop(boot, id)
	}
}

func (i *inHand) has(boot, id string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, here := i.sms[inHandKey{boot, id}]
	return here
}

// adoptHeld takes an SMS that this boot holds in the store, as far as there is
// room; else it is due there again. What is here already stays as it is.
func (s *Sender) adoptHeld(h held) {
	if h.boot != s.o.Store.BootID() || s.inHand.has(h.boot, h.sms.ID) {
		return
	}
	if left := s.Adopt([]store.Outgoing{h.sms}); len(left) > 0 && !s.inHand.has(h.boot, h.sms.ID) {
		s.putBack(h)
	}
}
