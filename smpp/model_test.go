package smpp_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"aduan/smpp"
	"pgregory.net/rapid"
)

// step is one thing that happens; n chooses among what is there.
type step struct {
	do string
	n  int
}

// TestWhateverTheOrder plays random histories: messages come, are answered in any
// order and at any time, SMS go out, the SMSC answers in any order, twice, wrongly,
// or lets time pass. Then: a ROK is reported as proven only if it was written in
// time and the SMSC has answered something that it read behind it, once, and at the
// end none is missing; each submit got the answer to its own number.
func TestWhateverTheOrder(t *testing.T) {
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			do: rapid.SampledFrom([]string{"deliver", "deliver", "rok", "rok", "refuse", "submit", "submit", "respond", "respond", "twice", "wrong", "wait"}).Draw(t, "do"),
			n:  rapid.IntRange(0, 20).Draw(t, "n"),
		}
	}), 1, 60)
	rapid.Check(t, func(rt *rapid.T) {
		script := steps.Draw(rt, "script")
		var faults []string
		synctest.Test(t, func(t *testing.T) { faults = play(t, script) })
		if len(faults) > 0 {
			rt.Fatalf("%v", faults)
		}
	})
}

// history is what the SMSC has seen and done.
type history struct {
	pending  []smpp.Header        // requests of the link not answered yet, as read
	readAt   map[uint32]int       // request → how many ROKs were read before it
	roks     []uint32             // deliveries by their number, in the order of reading
	covered  int                  // ROKs that an answer of ours has proven
	texts    map[uint32]string    // submit_sm by number
	came     map[uint32]time.Time // delivery → when
	inTime   map[uint32]bool
	provenAt map[uint32]time.Time // when we answered what stood behind its ROK
}

func play(t *testing.T, script []step) (faults []string) {
	r := rigged(t, func(o *smpp.LinkOptions) { o.Window, o.EnquireLink, o.ResponseTimeout = 5, time.Hour, time.Hour })
	p := r.ex.accept().bound()
	h := &history{readAt: map[uint32]int{}, texts: map[uint32]string{}, came: map[uint32]time.Time{}, inTime: map[uint32]bool{}, provenAt: map[uint32]time.Time{}}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	var hand []*smpp.Delivery
	var waiting []<-chan error
	delivered, submitted := uint32(0), 0
	settle := func() {
		synctest.Wait()
		h.read(p)
		for len(r.deliveries) > 0 {
			hand = append(hand, <-r.deliveries)
		}
		if got := len(r.proven); got > h.covered {
			fault("%d proven, only %d of %v may be", got, h.covered, h.roks)
		}
	}
	for _, s := range append(script, step{do: "finish"}) {
		switch s.do {
		case "deliver":
			delivered++
			h.came[delivered] = time.Now()
			p.deliver(delivered, fmt.Sprint(delivered))
		case "rok", "refuse":
			if len(hand) > 0 {
				i := s.n % len(hand)
				status := smpp.StatusROK
				if s.do == "refuse" {
					status = smpp.StatusRXTAPPN
				}
				hand[i].Respond(status)
				hand = slices.Delete(hand, i, i+1)
			}
		case "submit":
			if slot, ok := r.link.TryAcquire(); ok {
				submitted++
				text, done := fmt.Sprint("sms", submitted), make(chan error, 1)
				go func() {
					res, err := slot.Submit(t.Context(), sms(text))
					if err == nil && res.MessageID != text {
						err = fmt.Errorf("%s got the answer of %q", text, res.MessageID)
					}
					slot.Release()
					done <- err
				}()
				waiting = append(waiting, done)
			}
		case "respond", "twice", "wrong":
			if len(h.pending) > 0 {
				h.respond(p, s)
			}
		case "wait":
			time.Sleep(time.Duration(s.n) * 300 * time.Millisecond)
		}
		settle()
	}
	for _, d := range hand {
		d.Respond(smpp.StatusRXTAPPN)
	}
	for settle(); len(h.pending) > 0; settle() {
		h.respond(p, step{do: "respond"})
	}
	time.Sleep(2 * time.Second) // the last enquire_link
	for settle(); len(h.pending) > 0; settle() {
		h.respond(p, step{do: "respond"})
	}
	for _, done := range waiting {
		if err := <-done; err != nil && !errors.Is(err, smpp.ErrNotWritten) {
			fault("%v", err)
		}
	}
	h.compare(r, fault)
	r.finish(p)
	return faults
}

// read takes in what the link has written by now.
func (h *history) read(p *peer) {
	in := p.conn.(*memConn).in
	for {
		in.mu.Lock()
		empty := len(in.buf) == 0
		in.mu.Unlock()
		if empty && !p.fr.Ready() {
			return
		}
		head, frame, err := p.next()
		if err != nil {
			return
		}
		switch head.ID {
		case smpp.CmdDeliverSMResp:
			if head.Status == smpp.StatusROK {
				h.roks = append(h.roks, head.Seq)
				h.inTime[head.Seq] = time.Since(h.came[head.Seq]) <= 5*time.Second
			}
		case smpp.CmdSubmitSM, smpp.CmdEnquireLink:
			h.readAt[head.Seq] = len(h.roks)
			h.pending = append(h.pending, head)
			if m, err := smpp.DecodeMessage(frame); err == nil {
				h.texts[head.Seq] = string(m.ShortMessage)
			}
		}
	}
}

func (h *history) respond(p *peer, s step) {
	i := s.n % len(h.pending)
	req := h.pending[i]
	if s.do == "wrong" {
		p.header(smpp.CmdQuerySMResp, 0, req.Seq)
		p.submitResp(0, req.Seq+1000, "nobody's")
		return
	}
	h.pending = slices.Delete(h.pending, i, i+1)
	h.covered = max(h.covered, h.readAt[req.Seq])
	for _, seq := range h.roks[:h.readAt[req.Seq]] {
		if _, ok := h.provenAt[seq]; !ok {
			h.provenAt[seq] = time.Now()
		}
	}
	h.answer(p, req)
	if s.do == "twice" {
		h.answer(p, req)
	}
}

func (h *history) answer(p *peer, req smpp.Header) {
	if req.ID == smpp.CmdEnquireLink {
		p.header(smpp.CmdEnquireLinkResp, 0, req.Seq)
		return
	}
	p.submitResp(0, req.Seq, h.texts[req.Seq])
}

// compare holds what was reported against what had to be. A proof may come too
// late to count, never too early.
func (h *history) compare(r *rig, fault func(string, ...any)) {
	seen := map[string]bool{}
	at := -1
	for _, text := range r.proven {
		i := slices.IndexFunc(h.roks, func(seq uint32) bool { return fmt.Sprint(seq) == text })
		switch {
		case seen[text]:
			fault("%s proven twice", text)
		case i < 0 || i < at:
			fault("%s proven out of order, or never answered", text)
		case !h.inTime[h.roks[i]]:
			fault("%s proven although late", text)
		}
		seen[text], at = true, i
	}
	for _, seq := range h.roks {
		must := h.inTime[seq] && h.provenAt[seq].Sub(h.came[seq]) <= 10*time.Second
		if seen[fmt.Sprint(seq)] != must {
			fault("%d: proven %v, want %v", seq, !must, must)
		}
	}
}
