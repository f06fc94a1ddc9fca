package main

import (
	"aduan/internal/phone"
	"aduan/smpp/smsc"
)

// telephones shows the simulator's telephones to the page.
type telephones struct{ server *smsc.Server }

func (t telephones) CutLinks() int { return t.server.CutLinks() }
func (t telephones) Sessions() int { return t.server.Sessions() }

func (t telephones) Telephone(number string) phone.Telephone {
	return &telephone{p: t.server.Phone(number)}
}

// telephone is one of them. The page calls it from one goroutine at a time.
type telephone struct {
	p    *smsc.Phone
	seen int // SMS already shown
}

func (t *telephone) Send(to, text string) phone.Sent { return sent{t.p.Send(to, text)} }

func (t *telephone) News() []phone.Received {
	all := t.p.Inbox()
	news := make([]phone.Received, 0, len(all)-t.seen)
	for _, s := range all[t.seen:] {
		news = append(news, phone.Received{At: s.At, From: s.From, Text: s.Text, Alphabet: s.Alphabet, Segments: s.Segments})
	}
	t.seen = len(all)
	return news
}

// sent is an SMS of a telephone, under way.
type sent struct{ o *smsc.Outgoing }

func (s sent) Progress() phone.Progress {
	switch state, _ := s.o.State(); state {
	case smsc.OutgoingAccepted:
		return phone.Acknowledged
	case smsc.OutgoingRefused:
		return phone.Refused
	default:
		return phone.Waiting
	}
}
