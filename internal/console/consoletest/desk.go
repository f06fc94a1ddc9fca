package consoletest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/smpp/segment"
)

// find is a ticket that the viewer may see. The caller holds the lock.
func (o *Office) find(v desk.Viewer, n conversation.Number) (*desk.TicketView, error) {
	if o.Fail != nil {
		return nil, o.Fail
	}
	t, ok := o.Tickets[n]
	if !ok || v.Agency != "" && v.Agency != t.Agency {
		return nil, desk.ErrNotFound
	}
	return t, nil
}

// Ticket is one ticket, its number whole for who may see it.
func (o *Office) Ticket(_ context.Context, r desk.TicketRequest) (desk.TicketView, error) {
	o.Lock()
	defer o.Unlock()
	t, err := o.find(r.Viewer, r.Number)
	if err != nil {
		return desk.TicketView{}, err
	}
	v := *t
	if r.Viewer.Reveal && v.Citizen.Alias == "" {
		v.Citizen.Number = "+6281234567123"
		o.Revealed = append(o.Revealed, r.Viewer.KeyID+" "+v.Number)
	}
	return v, nil
}

// List is what matches, newest first; a cursor is a place in it.
func (o *Office) List(_ context.Context, r desk.ListRequest) ([]desk.TicketView, string, error) {
	o.Lock()
	defer o.Unlock()
	if o.Fail != nil {
		return nil, "", o.Fail
	}
	var all []desk.TicketView
	for _, n := range slices.Backward(slices.Sorted(maps.Keys(o.Tickets))) {
		t := o.Tickets[n]
		switch {
		case r.Viewer.Agency != "" && t.Agency != r.Viewer.Agency, r.Agency != nil && t.Agency != *r.Agency,
			len(r.Status) > 0 && !slices.Contains(r.Status, conversation.Status(t.Status)),
			r.ExternalID != "" && t.ExternalID != r.ExternalID, r.Overdue && o.Clock.Sub(t.FiledAt) < 72*time.Hour:
		default:
			all = append(all, *t)
		}
	}
	from := 0
	if r.Cursor != "" {
		var err error
		if from, err = strconv.Atoi(r.Cursor); err != nil || from > len(all) {
			return nil, "", &desk.Invalid{Field: "cursor", Reason: "of another list"}
		}
	}
	all = all[from:]
	if len(all) > r.Limit {
		return all[:r.Limit], strconv.Itoa(from + r.Limit), nil
	}
	return all, "", nil
}

// did notes an idempotency key; false: it was done before.
func (o *Office) did(i *desk.Idempotency) bool {
	if i == nil {
		return true
	}
	if slices.Contains(o.Pushed, i.Key) {
		return false
	}
	o.Pushed = append(o.Pushed, i.Key)
	return true
}

func (o *Office) send(t *desk.TicketView, text string) []string {
	alphabet, segments, _ := segment.Count(text)
	id := fmt.Sprintf("SMS%05d07", len(t.Messages))
	t.Messages = append(t.Messages, desk.MessageView{
		ID: id, Ticket: t.Number, State: "queued", Segments: segments, Alphabet: alphabet, Link: "main", Text: text,
		Times: map[string]time.Time{"queued": o.Clock},
	})
	return []string{id}
}

func draft(text string) (desk.DraftView, error) {
	v := desk.DraftView{Text: text}
	v.Alphabet, v.Segments, v.Left = segment.Count(text)
	return v, nil
}

func statusText(r desk.StatusRequest) string {
	return strings.TrimSpace(fmt.Sprintf("Laporan %s: %s. %s", r.Number, r.Status, r.Note))
}

// DraftStatus is the SMS of a status.
func (o *Office) DraftStatus(_ context.Context, r desk.StatusRequest) (desk.DraftView, error) {
	o.Lock()
	defer o.Unlock()
	if _, err := o.find(r.Viewer, r.Number); err != nil || !r.Notify {
		return desk.DraftView{}, err
	}
	return draft(statusText(r))
}

// DraftQuestion is the SMS of a question.
func (o *Office) DraftQuestion(_ context.Context, r desk.QuestionRequest) (desk.DraftView, error) {
	o.Lock()
	defer o.Unlock()
	if _, err := o.find(r.Viewer, r.Number); err != nil {
		return desk.DraftView{}, err
	}
	return draft(fmt.Sprintf("Laporan %s: %s", r.Number, r.Text))
}

// PushStatus sets the status.
func (o *Office) PushStatus(_ context.Context, r desk.StatusRequest) (desk.StatusAnswer, bool, error) {
	o.Lock()
	defer o.Unlock()
	t, err := o.find(r.Viewer, r.Number)
	if err != nil {
		return desk.StatusAnswer{}, false, err
	}
	if t.Status == "closed" && r.Status != conversation.Reopened {
		return desk.StatusAnswer{}, false, desk.ErrClosed
	}
	if _, n, _ := segment.Count(statusText(r)); r.Notify && n > r.MaxSegments {
		return desk.StatusAnswer{}, false, &desk.TooLong{Segments: n, Max: r.MaxSegments}
	}
	a := desk.StatusAnswer{Ticket: t.Number, Status: string(r.Status)}
	if !o.did(r.Idempotency) {
		return a, true, nil
	}
	t.History = append(t.History, desk.ChangeView{At: o.Clock, By: r.Viewer.Name, From: t.Status, To: string(r.Status), Note: r.Note, What: "status"})
	t.Status = string(r.Status)
	if r.Notify {
		a.Messages = o.send(t, statusText(r))
	}
	return a, false, nil
}

// PushQuestion asks.
func (o *Office) PushQuestion(_ context.Context, r desk.QuestionRequest) (desk.StatusAnswer, bool, error) {
	o.Lock()
	defer o.Unlock()
	t, err := o.find(r.Viewer, r.Number)
	if err != nil {
		return desk.StatusAnswer{}, false, err
	}
	a := desk.StatusAnswer{Ticket: t.Number, Status: t.Status}
	if !o.did(r.Idempotency) {
		return a, true, nil
	}
	t.History = append(t.History, desk.ChangeView{At: o.Clock, By: r.Viewer.Name, Note: r.Text, What: "question"})
	a.Messages = o.send(t, fmt.Sprintf("Laporan %s: %s", t.Number, r.Text))
	return a, false, nil
}

// Assign hands on.
func (o *Office) Assign(_ context.Context, r desk.AssignRequest) (desk.AssignAnswer, bool, error) {
	o.Lock()
	defer o.Unlock()
	t, err := o.find(r.Viewer, r.Number)
	if err != nil {
		return desk.AssignAnswer{}, false, err
	}
	if r.Agency != "" && !slices.ContainsFunc(o.Entries, func(a desk.Agency) bool { return a.Name == r.Agency }) {
		return desk.AssignAnswer{}, false, &desk.Invalid{Field: "agency", Reason: "not an agency of this line"}
	}
	a := desk.AssignAnswer{Ticket: t.Number, Agency: r.Agency}
	if !o.did(r.Idempotency) {
		return a, true, nil
	}
	agency := r.Agency
	t.Agency = agency
	t.History = append(t.History, desk.ChangeView{At: o.Clock, By: r.Viewer.Name, Note: r.Note, What: "assigned", Agency: &agency})
	return a, false, nil
}

// DeadLetters are Letters.
func (o *Office) DeadLetters(_ context.Context, r desk.DeadLettersRequest) ([]desk.DeadLetter, string, error) {
	o.Lock()
	defer o.Unlock()
	if r.Cursor != "" {
		return nil, "", &desk.Invalid{Field: "cursor", Reason: "not one that this list gave"}
	}
	return slices.Clone(o.Letters), "", o.Fail
}

// RetryLetter takes one away.
func (o *Office) RetryLetter(_ context.Context, r desk.DeadLetterRequest) error {
	return o.decide("retry", r.ID)
}

// DropLetter takes one away too.
func (o *Office) DropLetter(_ context.Context, r desk.DeadLetterRequest) error {
	return o.decide("drop", r.ID)
}

func (o *Office) decide(what, id string) error {
	o.Lock()
	defer o.Unlock()
	i := slices.IndexFunc(o.Letters, func(l desk.DeadLetter) bool { return l.ID == id })
	if i < 0 {
		return desk.ErrNotFound
	}
	o.Letters = slices.Delete(o.Letters, i, i+1)
	o.Decided = append(o.Decided, what+" "+id)
	return nil
}

// Audit is Trail, without what the request leaves out.
func (o *Office) Audit(_ context.Context, r desk.AuditRequest) ([]desk.AuditView, string, error) {
	o.Lock()
	defer o.Unlock()
	if r.Cursor != "" {
		return nil, "", &desk.Invalid{Field: "cursor", Reason: "not one that this list gave"}
	}
	return slices.DeleteFunc(slices.Clone(o.Trail), func(a desk.AuditView) bool {
		return r.Action != "" && !strings.HasPrefix(a.Action, r.Action) || r.Number != 0 && a.Ticket != r.Number.String()
	}), "", o.Fail
}
