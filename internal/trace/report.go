package trace

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what is known of a number, a ticket or an SMS.
type Report struct {
	Subject string   `json:"subject"` // number, ticket, sms
	Facts   []string `json:"facts"`   // what stands now, in words
	Tickets []Ticket `json:"tickets"`
	SMS     []SMS    `json:"sms"`
	Steps   []Step   `json:"steps"` // in the order of their times
}

// Ticket is the head of a ticket.
type Ticket struct {
	Number       string    `json:"number"`
	Kind         string    `json:"kind"`
	Status       string    `json:"status"`
	FiledAt      time.Time `json:"filed_at"`
	Link         string    `json:"link"`
	Citizen      string    `json:"citizen"` // masked unless revealed; the alias of a confidential ticket
	Confidential bool      `json:"confidential"`
}

// SMS is an outgoing SMS as it stands.
type SMS struct {
	ID         string     `json:"id"`
	Ticket     string     `json:"ticket"`
	To         string     `json:"to"`
	State      string     `json:"state"`
	Link       string     `json:"link"`
	Segments   int        `json:"segments"`
	Alphabet   string     `json:"alphabet"`
	MessageIDs []string   `json:"message_ids"` // the SMSC's, by part
	Error      string     `json:"error"`
	Holder     string     `json:"holder"` // the daemon that has it in hand; empty: none
	Due        *time.Time `json:"due"`    // when it is tried; null: it is not due
	Text       string     `json:"text,omitempty"`
}

// Step is one thing that happened.
type Step struct {
	At      time.Time `json:"at"`
	What    string    `json:"what"` // received, kept, changed, queued, submitted, state, receipt, event
	PDU     string    `json:"pdu,omitempty"`
	Status  string    `json:"status,omitempty"`
	Link    string    `json:"link,omitempty"`
	Session string    `json:"session,omitempty"` // begins with the boot
	Ticket  string    `json:"ticket,omitempty"`
	SMS     string    `json:"sms,omitempty"`
	Detail  string    `json:"detail"`

	order int // of steps at the same time
}

const stamp = "2006-01-02 15:04:05.000"

// Print writes the report for people.
func (r *Report) Print(out io.Writer) error {
	for _, f := range r.Facts {
		fmt.Fprintln(out, f)
	}
	for _, t := range r.Tickets {
		words := []string{t.Kind, t.Status, "of " + t.Citizen}
		if t.Link != "" {
			words = append(words, "by link "+t.Link)
		}
		fmt.Fprintf(out, "ticket %s: %s\n", t.Number, strings.Join(words, ", "))
	}
	for i := range r.SMS {
		fmt.Fprintln(out, r.SMS[i].sentence())
	}
	fmt.Fprintln(out, "times are UTC")
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, s := range r.Steps {
		about := s.Ticket
		if s.SMS != "" {
			about = "SMS …" + s.SMS[max(0, len(s.SMS)-8):]
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.At.UTC().Format(stamp), s.What, about, s.words())
	}
	return w.Flush()
}

// words is the step without its time and subject.
func (s Step) words() string {
	var parts []string
	if s.PDU != "" {
		parts = append(parts, s.PDU)
	}
	if s.Status != "" {
		parts = append(parts, s.Status)
	}
	if s.Detail != "" {
		parts = append(parts, s.Detail)
	}
	text := strings.Join(parts, ": ")
	if s.Link != "" {
		text += ", link " + s.Link
	}
	if s.Session != "" {
		text += ", session " + s.Session
	}
	return text
}

func (m *SMS) sentence() string {
	var b strings.Builder
	fmt.Fprintf(&b, "SMS %s to %s: %s", m.ID, m.To, m.State)
	if m.Error != "" {
		fmt.Fprintf(&b, " (%s)", m.Error)
	}
	fmt.Fprintf(&b, ", %d segment(s) %s by link %s", m.Segments, m.Alphabet, m.Link)
	if len(m.MessageIDs) > 0 {
		fmt.Fprintf(&b, ", the operator's id %s", strings.Join(m.MessageIDs, ", "))
	}
	switch {
	case m.Holder != "":
		fmt.Fprintf(&b, "; daemon %s has it in hand", m.Holder)
	case m.Due != nil:
		fmt.Fprintf(&b, "; it is tried at %s", m.Due.UTC().Format(time.RFC3339))
	}
	if m.Text != "" {
		fmt.Fprintf(&b, "\n    %q", m.Text)
	}
	return b.String()
}
