package smsc

import (
	"bytes"
	"strings"
	"time"

	"aduan/smpp"
	"aduan/smpp/segment"
)

// SMS is a whole message that arrived at a telephone.
type SMS struct {
	At         time.Time
	From       string // the source address as submitted
	Text       string
	Alphabet   string // "gsm7", "ucs2", "latin1", … or "binary", whose Text is empty
	Segments   int
	MessageIDs []string // one a part
}

// groupKey tells long messages apart (3GPP TS 23.040 §9.2.3.24.1).
type groupKey struct {
	from  string
	ref   uint16
	wide  bool
	total int
}

type group struct {
	parts []segment.Segment // by number, from 0
	ids   []string
	have  int
}

// heldSMS is a submit that waits for its telephone.
type heldSMS struct {
	m  *smpp.Message
	id string
}

// arrive shows a submit on the telephone, once its last part is there; mu is held.
func (p *Phone) arrive(m *smpp.Message, id string) {
	udh, text := m.Content()
	part := segment.Segment{UDH: udh, Text: text}
	c, long := segment.ParseUDH(udh)
	if !long {
		c, long = sar(m)
	}
	if !long {
		p.show(m, []segment.Segment{part}, []string{id})
		return
	}
	k := groupKey{m.Source.Addr, c.Ref, c.Wide, c.Total}
	g := p.partial[k]
	if g == nil {
		g = &group{parts: make([]segment.Segment, c.Total)}
		p.partial[k] = g
	}
	slot := &g.parts[c.Number-1]
	if slot.Text != nil && !bytes.Equal(slot.Text, text) { // the reference is used again: another text
		g = &group{parts: make([]segment.Segment, c.Total)}
		p.partial[k] = g
		slot = &g.parts[c.Number-1]
	}
	g.ids = append(g.ids, id)
	if slot.Text == nil {
		slot.UDH, slot.Text = udh, append([]byte{}, text...)
		g.have++
	}
	if g.have == c.Total {
		delete(p.partial, k)
		p.show(m, g.parts, g.ids)
	}
}

// sar reads the concatenation that stands in optional parameters (SMPP 3.4 §5.3.2.22–24).
func sar(m *smpp.Message) (segment.Concat, bool) {
	ref, ok := m.TLVs.Uint16(smpp.TagSARMsgRefNum)
	total, ok2 := m.TLVs.Uint8(smpp.TagSARTotalSegments)
	number, ok3 := m.TLVs.Uint8(smpp.TagSARSegmentSeqnum)
	c := segment.Concat{Ref: ref, Wide: true, Total: int(total), Number: int(number)}
	return c, ok && ok2 && ok3 && total >= 2 && number >= 1 && number <= total
}

func (p *Phone) show(m *smpp.Message, parts []segment.Segment, ids []string) {
	s := p.srv
	sms := SMS{At: s.o.Now(), From: m.Source.Addr, Segments: len(parts), MessageIDs: ids}
	text, ok := segment.Join(m.DataCoding, s.o.Alphabet, parts)
	sms.Text, sms.Alphabet = text, alphabetName(m.DataCoding, s.o.Alphabet)
	if !ok && text == "" {
		sms.Alphabet = "binary"
	}
	if len(parts) == 1 { // one PDU may hold more than one SMS: the air interface cuts it
		if _, n, _ := segment.Count(text); ok && n > 1 && len(parts[0].UDH) == 0 {
			sms.Segments = n
		}
	}
	if len(p.inbox) >= 2*s.o.InboxLimit {
		drop := len(p.inbox) - s.o.InboxLimit
		p.inbox = append(p.inbox[:0:0], p.inbox[drop:]...)
		p.taken += drop
	}
	p.inbox = append(p.inbox, sms)
	s.emit(Event{Kind: EventSMS, Phone: p.number, SMS: &sms})
	p.arrived.fire()
}

func alphabetName(dataCoding byte, alphabet string) string {
	switch dataCoding {
	case segment.DataCodingUCS2:
		return segment.UCS2
	case 0x01: // said to be ASCII, it travels in seven bits all the same
		return segment.GSM7
	case 0x03:
		return "latin1"
	}
	return strings.TrimSuffix(alphabet, "-packed")
}
