package sender

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"aduan/smpp/receipt"
	"aduan/store"
)

// Learnt is what the receipts of a link have shown of its SMSC. It is stored, so
// that a restart does not forget it.
type Learnt struct {
	// IDs is the notation of message ids: "" as long as none told.
	IDs receipt.Notation `json:"ids"`
	// Told is how many receipts in a row, or since the last that said otherwise,
	// told the notation.
	Told int `json:"told"`
	// Zeros and Case: ids were seen that differ by leading zeros, by case.
	Zeros bool `json:"zeros"`
	Case  bool `json:"case"`
	// Form is where the id stands in receipts: text, tlv or both.
	Form string `json:"form"`
	// Clock is how far the SMSC's clock, as its receipts write it, is ahead of
	// UTC, to a quarter of an hour: its time zone. Nil: no receipt told its time.
	Clock *int `json:"clock_minutes"`
	// Receipts is how many receipts of our SMS have come.
	Receipts int `json:"receipts"`
}

// String is what was learnt in words, for an operator; "" as long as no receipt came.
func (k Learnt) String() string {
	if k.Receipts == 0 {
		return ""
	}
	var said []string
	switch k.IDs {
	case receipt.HexDecimal:
		said = append(said, "ids hexadecimal in the response, decimal in the receipt")
	case receipt.DecimalHex:
		said = append(said, "ids decimal in the response, hexadecimal in the receipt")
	case receipt.Same:
		said = append(said, "ids the same in response and receipt")
	}
	if k.Zeros {
		said = append(said, "leading zeros differ")
	}
	if k.Case {
		said = append(said, "upper and lower case differ")
	}
	switch k.Form {
	case "both":
		said = append(said, "text and TLVs")
	case "tlv":
		said = append(said, "TLVs")
	default:
		said = append(said, "text")
	}
	if k.Clock != nil {
		sign, minutes := '+', *k.Clock
		if minutes < 0 {
			sign, minutes = '-', -minutes
		}
		said = append(said, fmt.Sprintf("clock UTC%c%02d:%02d", sign, minutes/60, minutes%60))
	}
	return strings.Join(said, ", ")
}

// sure is how many receipts must tell a notation before it decides between several
// SMS that may be meant.
const sure = 3

// learner keeps what is learnt, by link.
type learner struct {
	mu     sync.Mutex // guards all below
	links  map[string]Learnt
	dirty  map[string]bool
	early  map[early]sign // receipts that wait for their SMS
	loaded bool
}

func newLearner() *learner {
	return &learner{links: map[string]Learnt{}, dirty: map[string]bool{}, early: map[early]sign{}}
}

func (l *learner) of(link string) Learnt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.links[link]
}

// sort puts the notation that a link is known by first; certain where it is so well
// known that it decides.
func (l *learner) sort(link string, forms []receipt.Form) (ids []string, sorted []receipt.Form, certain bool) {
	known := l.of(link)
	for _, form := range forms {
		if form.Notation == known.IDs {
			sorted = append(sorted, form)
		}
	}
	certain = len(sorted) > 0 && known.Told >= sure
	for _, form := range forms {
		if form.Notation != known.IDs || known.IDs == "" {
			sorted = append(sorted, form)
		}
	}
	for _, form := range sorted {
		ids = append(ids, form.ID)
	}
	return ids, sorted, certain
}

// sign is what a receipt shows besides its id.
type sign struct {
	byTLV    bool      // receipted_message_id is there
	done, at time.Time // its done date, zero where unread; when it came
	unseen   bool      // it came before its SMS was noted as sent, to another daemon or before a restart: its id alone is known
}

// early is a receipt that waits for its SMS.
type early struct{ link, told string }

// earlyMost is how many receipts' signs wait for their SMS. Of more none is noted: it teaches its id alone.
const earlyMost = 1000

// waits notes what a receipt shows whose SMS is not known yet.
func (l *learner) waits(link, told string, s sign) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for e, was := range l.early {
		if len(l.early) < earlyMost {
			break
		}
		if s.at.Sub(was.at) > earlyFor { // of a receipt that nobody asked for
			delete(l.early, e)
		}
	}
	if len(l.early) < earlyMost {
		l.early[early{link, told}] = s
	}
}

// earlyFor is how long a submit_sm_resp is expected after its receipt, at the most.
const earlyFor = time.Minute

// waited is what a receipt showed when it came; its SMS is known now.
func (l *learner) waited(link, told string) sign {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.early[early{link, told}]
	if !ok {
		return sign{unseen: true}
	}
	delete(l.early, early{link, told})
	return s
}

// seen notes a receipt that found its SMS: told is its id, accepted that of the
// submit_sm_resp, forms all notations that told may have had.
func (l *learner) seen(link, told, accepted string, found receipt.Form, forms int, s sign) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.links[link]
	before := k
	k.Receipts++
	switch {
	case forms < 2: // written alike in every notation
	case k.IDs == found.Notation:
		k.Told++
	case k.IDs == "" || k.Told <= 1: // one exception does not unlearn
		k.IDs, k.Told = found.Notation, 1
	default:
		k.Told = min(k.Told, sure) - 1
	}
	if found.Notation == receipt.Same && told != accepted {
		zeros := len(told) != len(accepted)
		k.Zeros, k.Case = k.Zeros || zeros, k.Case || !zeros || hasLower(told) != hasLower(accepted)
	}
	if !s.unseen {
		k.Form = formOf(s.byTLV, k.Form)
	}
	if !s.done.IsZero() {
		quarters := int((s.done.Sub(s.at) + 26*time.Hour + 7*time.Minute + 30*time.Second) / (15 * time.Minute))
		if minutes := quarters*15 - 26*60; minutes >= -12*60 && minutes <= 14*60 { // no zone is further
			k.Clock = &minutes
		}
	}
	l.links[link] = k
	if k.told() != before.told() || k.Receipts%100 == 1 {
		l.dirty[link] = true
	}
}

// told is what a person is shown, without what changes with every receipt.
func (k Learnt) told() Learnt {
	k.Receipts, k.Told, k.Clock = 0, min(k.Told, sure), nil
	return k
}

func hasLower(s string) bool {
	for i := range len(s) {
		if s[i] >= 'a' && s[i] <= 'z' {
			return true
		}
	}
	return false
}

func formOf(byTLV bool, before string) string {
	form := "text"
	if byTLV {
		form = "tlv"
	}
	if before != "" && before != form {
		return "both"
	}
	return form
}

// Learnt is what the receipts of a link have shown of its SMSC.
func (s *Sender) Learnt(link string) Learnt { return s.learner.of(link) }

// memory is where what was learnt is kept; *store.Store is one.
type memory interface {
	Learn(ctx context.Context, link string, what []byte) error
	Learnt(ctx context.Context) (map[string][]byte, error)
	StrayReceipts(ctx context.Context, now time.Time) ([]store.StrayReceipt, error)
}

// strayEvery is how often receipts are given up that waited in vain.
const strayEvery = time.Minute

// receipts writes down what is learnt, and gives up receipts that waited in vain, until ctx ends.
func (s *Sender) receipts(ctx context.Context) {
	m, ok := s.o.Store.(memory)
	if !ok {
		return
	}
	write, stray := time.NewTicker(s.o.DoubtEvery), time.NewTicker(strayEvery)
	defer write.Stop()
	defer stray.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			s.Remember(last, m)
			cancel()
			return
		case <-write.C:
			s.Remember(ctx, m)
		case <-stray.C:
			s.Strays(ctx, m)
		}
	}
}

// Remember loads what was learnt before, once, and writes down what was learnt since.
func (s *Sender) Remember(ctx context.Context, m memory) {
	if s.learner.loaded && !s.learner.news() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if !s.learner.loaded { // this goroutine's alone
		was, err := m.Learnt(ctx)
		if err != nil {
			return // told of elsewhere: the store is away
		}
		s.learner.load(was)
	}
	for link, k := range s.learner.unwritten() {
		what, err := json.Marshal(k)
		if err == nil {
			err = m.Learn(ctx, link, what)
		}
		if err != nil {
			s.learner.again(link)
			return
		}
	}
}

// load takes up what an earlier run learnt; what this one has learnt meanwhile stands.
func (l *learner) load(was map[string][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loaded = true
	for link, what := range was {
		var k Learnt
		if json.Unmarshal(what, &k) != nil {
			continue // of another version: it is learnt anew
		}
		now := l.links[link]
		if now.IDs == "" || now.IDs == k.IDs {
			k.Told += now.Told
			k.Receipts += now.Receipts
			l.links[link] = k
		}
	}
}

// news tells whether anything was learnt that is not written down.
func (l *learner) news() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.dirty) > 0
}

func (l *learner) unwritten() map[string]Learnt {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[string]Learnt, len(l.dirty))
	for link := range l.dirty {
		out[link] = l.links[link]
	}
	clear(l.dirty)
	return out
}

func (l *learner) again(link string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dirty[link] = true
}

// straysTold is how many ids one line of the log tells.
const straysTold = 5

// Strays gives up receipts whose SMS did not come, and says so once: a line a link.
func (s *Sender) Strays(ctx context.Context, m memory) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	list, err := m.StrayReceipts(ctx, s.o.Now())
	if err != nil {
		s.o.Log.Warn("receipts that waited in vain were not looked for, tried again", zap.Error(err))
	}
	ids := map[string][]string{}
	for _, r := range list {
		ids[r.Link] = append(ids[r.Link], r.MessageID)
		s.o.Metrics.receipt(r.Link, "given up")
	}
	for link, all := range ids {
		s.o.Log.Warn("receipts of SMS that we do not know were given up", zap.String("link", link), zap.Int("receipts", len(all)),
			zap.Strings("message_ids", all[:min(len(all), straysTold)]))
	}
}
