package phone

import "aduan/smpp/smsc"

// Of lets the telephones of a simulated SMSC hang on the page.
func Of(s *smsc.Server) Simulator { return simulator{s} }

type simulator struct{ *smsc.Server }

func (s simulator) Telephone(number string) Telephone { return &device{phone: s.Phone(number)} }

// device is one telephone of the SMSC, with a finger on the newest SMS that was read.
type device struct {
	phone *smsc.Phone
	last  string // message id of its first part; the inbox forgets its oldest, so places in it do not last
}

func (d *device) Send(to, text string) Sent { return outgoing{d.phone.Send(to, text)} }

func (d *device) News() []Received {
	inbox := d.phone.Inbox()
	from := len(inbox)
	for from > 0 && firstID(inbox[from-1]) != d.last {
		from--
	}
	var news []Received
	for _, m := range inbox[from:] {
		d.last = firstID(m)
		news = append(news, Received{At: m.At, From: m.From, Text: m.Text, Alphabet: m.Alphabet, Segments: m.Segments})
	}
	return news
}

func firstID(m smsc.SMS) string {
	if len(m.MessageIDs) == 0 {
		return ""
	}
	return m.MessageIDs[0]
}

type outgoing struct{ *smsc.Outgoing }

func (o outgoing) Progress() Progress {
	switch state, _ := o.State(); state {
	case smsc.OutgoingAccepted:
		return Acknowledged
	case smsc.OutgoingRefused:
		return Refused
	}
	return Waiting
}
