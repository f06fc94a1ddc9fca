package conversation

import (
	"math/bits"
	"slices"
	"time"
)

var zero time.Time

// Limits of the guards against machines.
const (
	loopWithin   = 30 * time.Second // "within seconds"
	loopAnswers  = 3                // answers to messages in a row that are nearly alike
	alike        = 12               // bits in which prints of nearly the same text may differ
	oursKept     = 3                // digests of what we sent last
	shortestEcho = 4                // words
)

// arrive counts the message for the flood.
func (st *step) arrive() {
	recent := make([]time.Time, 0, st.e.o.FloodCount+1)
	for _, t := range st.s.Recent {
		if st.now.Sub(t) < st.e.o.FloodPer {
			recent = append(recent, t)
		}
	}
	recent = append(recent, st.now)
	if over := len(recent) - st.e.o.FloodCount - 1; over > 0 {
		recent = recent[over:]
	}
	st.s.Recent = recent
	if len(recent) <= st.e.o.FloodCount {
		st.s.Flooded = false
	}
}

// guard takes the answer back where none is wanted: a flood, two machines,
// too many in a day. What the message did stands.
func (st *step) guard(print uint64) {
	st.loop(print)
	if len(st.s.Recent) > st.e.o.FloodCount {
		if st.s.Flooded {
			st.mute("flood")
			return
		}
		st.s.Flooded = true
		st.mute("")
		st.say("flood", values{})
	}
	if st.s.Loop.Same > loopAnswers {
		st.mute("machine")
		return
	}
	st.cap()
}

// mute leaves the answer out and counts it; why "": another takes its place.
func (st *step) mute(why string) {
	if len(st.fx.Replies) > 0 {
		st.fx.Replies, st.fx.Muted = nil, why
		st.s.Loop.Muted++
	}
	if st.asked { // nobody read it: a later YA must not answer it
		st.drop((*Question).confirms)
	}
}

// cap counts answers of the day, and stops at the limit.
func (st *step) cap() {
	if len(st.fx.Replies) == 0 {
		return
	}
	local := st.now.In(st.e.o.Location)
	if day := local.Year()*1000 + local.YearDay(); day != st.s.Day {
		st.s.Day, st.s.Sent = day, 0
	}
	if st.s.Sent >= st.e.o.Cap {
		st.mute("cap")
		return
	}
	st.s.Sent++
	for i := range st.fx.Replies {
		st.ours(st.fx.Replies[i].Text)
	}
}

// loop counts messages in a row that are nearly alike, come within seconds,
// and neither command nor file.
func (st *step) loop(print uint64) {
	l := &st.s.Loop
	same := print != 0 && near(print, l.Print) && st.now.Sub(l.At) <= loopWithin && !st.acted && !st.filed
	if same {
		l.Same++
	} else {
		l.Same = 1
	}
	l.At, l.Print = st.now, print
}

// echoed takes our own text that comes back: it changes no ticket, and is
// answered three times at most.
func (st *step) echoed() bool {
	l := &st.s.Loop
	if len(st.ts.all) < shortestEcho || !slices.Contains(l.Ours, digest(&st.ts)) {
		l.Echoes = 0
		return false
	}
	l.Echoes++
	st.fx.Kept = true
	if l.Echoes > loopAnswers || len(st.s.Recent) > st.e.o.FloodCount {
		l.Muted++
		st.fx.Muted = "echo"
		return true
	}
	st.say("how", values{})
	st.cap()
	return true
}

// ours remembers a text that we send.
func (st *step) ours(text string) {
	st.ts.scan(text) // the message has been understood by now
	print := digest(&st.ts)
	kept := st.s.Loop.Ours
	if slices.Contains(kept, print) {
		return
	}
	if len(kept) >= oursKept {
		kept = kept[len(kept)-oursKept+1:]
	}
	st.s.Loop.Ours = append(slices.Clone(kept), print)
}

// near tells whether two prints are of nearly the same text.
func near(a, b uint64) bool { return b != 0 && bits.OnesCount64(a^b) <= alike }

// hash is FNV-1a of a word, mixed; runs of digits of one length are alike.
func (t *token) hash() uint64 {
	h := uint64(14695981039346656037)
	if t.digits {
		h ^= uint64(len(t.word))
	} else {
		for j := range len(t.word) {
			h = (h ^ uint64(t.word[j])) * 1099511628211
		}
	}
	h ^= h >> 31
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// digest tells texts of other words apart, and those of the same words in
// another order.
func digest(ts *tokens) uint64 {
	d := uint64(1)
	for i := range ts.all {
		d = (d ^ ts.all[i].hash()) * 1099511628211
	}
	return d
}

// fingerprint is a simhash of the words: texts that share most words differ in
// few bits. Each plane holds one binary digit of the 64 counts.
func fingerprint(ts *tokens) uint64 {
	var planes [7]uint64
	n := min(len(ts.all), 1<<len(planes)-1)
	for i := range n {
		carry := ts.all[i].hash()
		for p := 0; carry != 0; p++ {
			planes[p], carry = planes[p]^carry, planes[p]&carry
		}
	}
	var print uint64
	for b := range 64 {
		count := 0
		for p := range planes {
			count |= int(planes[p]>>b&1) << p
		}
		if 2*count > n {
			print |= 1 << b
		}
	}
	return print
}

// unreadable keeps content that nobody can read.
func (st *step) unreadable(in *Unreadable) {
	if in.Sender == SenderMachine {
		st.fx.Kept = true
		return
	}
	st.arrive()
	st.unread()
}

// unread keeps the message and says once a day how to write.
func (st *step) unread() {
	st.fx.Kept = true
	if !st.s.Unreadable.IsZero() && st.now.Sub(st.s.Unreadable) < unreadTime || len(st.s.Recent) > st.e.o.FloodCount {
		return
	}
	st.s.Unreadable = st.now
	st.say("unreadable", values{})
	st.cap()
}

// latePart fills the gap of a text or an answer; nobody is answered.
func (st *step) latePart(in *LatePart) {
	st.known = in.Known
	if in.Ticket == 0 || st.ticket(in.Ticket) == nil {
		st.fx.Kept = true
		return
	}
	e := in.Entry
	if in.Part < 1 || in.Part > len(e.Parts) || !slices.Contains(e.Gaps, in.Part) {
		return
	}
	e.Parts, e.Gaps = slices.Clone(e.Parts), slices.DeleteFunc(slices.Clone(e.Gaps), func(g int) bool { return g == in.Part })
	e.Parts[in.Part-1] = in.Text
	if len(e.Gaps) == 0 {
		e.Gaps = nil
	}
	t := st.change(in.Ticket)
	st.ts.scan(e.Text())
	st.w.classify(&st.ts)
	if t.Kind == Complaint && st.ts.has(danger) {
		t.Urgent = true
	}
	if st.ts.has(secret) {
		t.Confidential = true
		t.Alias = "R" + t.Number.Digits()
	}
	if e.Question != "" {
		st.fx.Answers = append(st.fx.Answers, AnswerEntry{
			Ticket: e.Ticket, Index: e.Index, At: e.At, Question: e.Question, Asked: e.Asked,
			Text: e.Text(), Parts: e.Parts, Gaps: e.Gaps,
		})
		st.event(EventAnswered, in.Ticket).Answer = e.Index
		return
	}
	st.fx.Texts = append(st.fx.Texts, e)
	st.event(EventAdded, in.Ticket).Text = e.Index
}
