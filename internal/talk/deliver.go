package talk

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"aduan/internal/msisdn"
	"aduan/smpp"
	"aduan/smpp/segment"
)

// send delivers a text, in parts where it is long or given in parts.
func (p *player) send(ctx context.Context, name string, m msisdn.MSISDN, from smpp.Address, parts texts, arrive []int) error {
	msgs, err := p.messages(from, parts)
	if err != nil {
		return err
	}
	p.last = msgs
	if len(msgs) > 1 {
		p.long[name] = &longSMS{parts: msgs}
	}
	if arrive == nil {
		for i := range msgs {
			arrive = append(arrive, i+1)
		}
	}
	if len(arrive) < len(msgs) {
		p.groups[m] = p.w.clock.Now().Add(p.o.SegmentsTimeout + time.Second)
	}
	for _, n := range arrive {
		if n < 1 || n > len(msgs) {
			return fmt.Errorf("arrive: there is no part %d", n)
		}
		if err := p.deliver(ctx, msgs[n-1]); err != nil {
			return err
		}
	}
	return nil
}

// messages are the deliver_sm of a text.
func (p *player) messages(from smpp.Address, parts texts) ([]*smpp.Message, error) {
	p.ref++
	var msgs []*smpp.Message
	filled := make([]string, len(parts))
	for i := range parts {
		var err error
		if filled[i], err = p.fill(parts[i]); err != nil {
			return nil, err
		}
	}
	if len(filled) == 1 {
		return p.plain(from, filled[0]), nil
	}
	for i, text := range filled {
		enc := segment.Split(text, p.ref)
		if len(enc.Parts) != 1 {
			return nil, fmt.Errorf("part %d is longer than one SMS", i+1)
		}
		udh := []byte{5, 0, 3, p.ref, byte(len(filled)), byte(i + 1)}
		msgs = append(msgs, p.message(from, enc.DataCoding, udh, enc.Parts[0].Text))
	}
	return msgs, nil
}

// plain is a text as a telephone sends it, in as many parts as it takes.
func (p *player) plain(from smpp.Address, text string) []*smpp.Message {
	p.ref++
	enc := segment.Split(text, p.ref)
	msgs := make([]*smpp.Message, 0, len(enc.Parts))
	for _, part := range enc.Parts {
		msgs = append(msgs, p.message(from, enc.DataCoding, part.UDH, part.Text))
	}
	return msgs
}

func (p *player) message(from smpp.Address, coding byte, udh, text []byte) *smpp.Message {
	m := &smpp.Message{Source: from, Destination: smpp.Address{TON: 3, Addr: p.o.ShortCode}, DataCoding: coding}
	if len(udh) > 0 {
		m.ESMClass = 0x40
	}
	m.ShortMessage = append(append([]byte(nil), udh...), text...)
	return m
}

func (p *player) binary(ctx context.Context, from smpp.Address, s *Step) error {
	data, err := hex.DecodeString(s.Binary)
	if err != nil {
		return fmt.Errorf("binary: %w", err)
	}
	coding := byte(4)
	if s.Coding != nil {
		coding = *s.Coding
	}
	m := p.message(from, coding, nil, data)
	p.last = []*smpp.Message{m}
	return p.deliver(ctx, m)
}

func (p *player) deliver(ctx context.Context, m *smpp.Message) error {
	return p.w.deliver(ctx, m, p.lost)
}
