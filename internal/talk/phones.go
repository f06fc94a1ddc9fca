package talk

import (
	"context"
	"fmt"
	"sync"

	"aduan/internal/msisdn"
	"aduan/smpp"
	"aduan/smpp/segment"
)

// Telephones are all telephones: Submit takes every segment, Take gives whole SMS.
type Telephones struct {
	mu    sync.Mutex // guards all below
	parts map[string][]byte
	got   []Received
	ids   int
}

// Received is one SMS that a citizen got.
type Received struct {
	To       string // digits
	Text     string
	Alphabet string
	Segments int
}

// NewTelephones returns telephones that have got nothing.
func NewTelephones() *Telephones { return &Telephones{parts: map[string][]byte{}} }

// Submit takes one segment.
func (p *Telephones) Submit(_ context.Context, m *smpp.Message) (smpp.SubmitResult, error) {
	udh, body := m.Content()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids++
	res := smpp.SubmitResult{MessageID: fmt.Sprint(p.ids)}
	number, total := 1, 1
	if c, ok := segment.ParseUDH(udh); ok {
		number, total = c.Number, c.Total
	}
	to := m.Destination.Addr
	if number == 1 {
		p.parts[to] = nil
	}
	p.parts[to] = append(p.parts[to], body...)
	if number < total {
		return res, nil
	}
	text, _ := segment.DecodeText(m.DataCoding, "gsm7", p.parts[to])
	delete(p.parts, to)
	alphabet := "gsm7"
	if m.DataCoding == 8 {
		alphabet = "ucs2"
	}
	p.got = append(p.got, Received{To: to, Text: text, Alphabet: alphabet, Segments: total})
	return res, nil
}

// Release has nothing to give back.
func (p *Telephones) Release() {}

// Take returns what came since the last call.
func (p *Telephones) Take() []Received {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// number is the telephone number that a name in a script stands for.
func number(name string) (msisdn.MSISDN, error) {
	sum := 0
	for _, r := range name {
		sum = (sum*31 + int(r)) % 10_000_000
	}
	return msisdn.FromE164(fmt.Sprintf("+62812%08d", sum))
}
