package phone

import (
	"time"

	"aduan/internal/visible"
)

// change is what a page has to learn since revision `since`: the stream's event, and the body of GET /phone/api/state.
type change struct {
	Full       bool            `json:"full"` // the page forgets what it had
	Run        string          `json:"run"`  // another than the page's own: its key and all are of yesterday
	Rev        uint64          `json:"rev"`
	Telephones []telephoneView `json:"telephones"` // all, in order
	SMS        []smsView       `json:"sms"`        // new or changed, oldest first within a telephone
	Link       *linkView       `json:"link,omitempty"`
}

type telephoneView struct {
	Number string `json:"number"` // 6281200000001
	Shown  string `json:"shown"`  // +62 812-0000-0001
}

type smsView struct {
	Telephone string          `json:"telephone"`
	ID        uint64          `json:"id"`
	Rev       uint64          `json:"rev"`
	Out       bool            `json:"out"`
	At        time.Time       `json:"at"`
	Pieces    []visible.Piece `json:"pieces"`
	Alphabet  string          `json:"alphabet"`
	Segments  int             `json:"segments"`
	Progress  Progress        `json:"progress,omitempty"`
	Settled   *time.Time      `json:"settled,omitempty"`
}

type linkView struct {
	State    string     `json:"state"` // the link's own, or "cut" until it tells a new one
	Reason   string     `json:"reason"`
	Since    time.Time  `json:"since"`
	Sessions int        `json:"sessions"`
	News     []linkNews `json:"news"` // newest last
}

// since tells what changed after revision rev; ok is false where nothing did. rev 0: everything.
func (b *book) since(rev uint64) (c change, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refresh()
	c = change{Full: rev == 0, Rev: b.rev, Telephones: []telephoneView{}, SMS: []smsView{}}
	if b.rev == rev {
		return c, false
	}
	for _, t := range b.table {
		c.Telephones = append(c.Telephones, telephoneView{t.number, Readable(t.number)})
		for _, m := range t.sms {
			if m.rev > rev {
				c.SMS = append(c.SMS, m.view(t.number))
			}
		}
	}
	if rev == 0 || b.linkAt > rev {
		c.Link = b.linkView()
	}
	return c, true
}

// linkView is the link now. The caller holds mu.
func (b *book) linkView() *linkView {
	v := &linkView{Sessions: b.sim.Sessions(), News: append([]linkNews{}, b.link...)}
	if n := len(b.link); n > 0 {
		v.State, v.Reason, v.Since = b.link[n-1].State, b.link[n-1].Reason, b.link[n-1].At
	}
	return v
}

func (m *message) view(number string) smsView {
	v := smsView{
		Telephone: number, ID: m.id, Rev: m.rev, Out: m.out, At: m.at,
		Pieces: visible.Pieces(m.text), Alphabet: m.alphabet, Segments: m.segments, Progress: m.progress,
	}
	if !m.settled.IsZero() {
		v.Settled = &m.settled
	}
	return v
}
