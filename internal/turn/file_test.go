package turn_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

var day = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC) // ten in the morning there

func (s *stage) file(change func(r *desk.FileRequest)) (desk.TicketView, bool, error) {
	r := desk.FileRequest{Viewer: desk.Viewer{Name: "loket"}, Text: "jalan rusak di depan pasar Minggu", Number: "0812-3456-7100", Notify: true}
	if change != nil {
		change(&r)
	}
	return s.desk.File(s.t.Context(), r)
}

func TestAReportOfAnotherChannel(t *testing.T) {
	for name, c := range map[string]struct {
		before func(s *stage)
		change func(r *desk.FileRequest)
		sms    int
		who    string // how the citizen is named
		err    error
	}{
		"by telephone, told by SMS":   {sms: 1, who: "+62•••••••100"},
		"by telephone, not told":      {change: func(r *desk.FileRequest) { r.Notify = false }, who: "+62•••••••100"},
		"to who may see numbers":      {change: func(r *desk.FileRequest) { r.Viewer.Reveal = true }, sms: 1, who: "+6281234567100"},
		"without a telephone":         {change: func(r *desk.FileRequest) { r.Number = "" }, who: "R"},
		"with a place and a category": {change: func(r *desk.FileRequest) { r.Location, r.Category = "Jl Melati RT 3 Bantul", "water" }, sms: 1, who: "+62•••••••100"},
		"a secret":                    {change: func(r *desk.FileRequest) { r.Text = "tolong rahasiakan nama saya, ada pungli di kantor camat" }, sms: 1, who: "R"},
		"of one who wants no SMS":     {before: func(s *stage) { s.sms(0, "STOP") }, who: "+62•••••••100"},
		"of one with tickets":         {before: func(s *stage) { s.filed(0) }, sms: 1, who: "+62•••••••100"},
		"to a short code":             {change: func(r *desk.FileRequest) { r.Number = "1708" }, err: &desk.Invalid{}},
		"of no known kind":            {change: func(r *desk.FileRequest) { r.Kind = "praise" }, err: &desk.Invalid{}},
		"the store is gone":           {before: func(s *stage) { s.redis.Gone(true) }, err: desk.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.now = day
			if c.before != nil {
				c.before(s)
			}
			view, replayed, err := s.file(c.change)
			var invalid, want *desk.Invalid
			switch {
			case errors.As(c.err, &want):
				if !errors.As(err, &invalid) {
					t.Fatal(err)
				}
				return
			case !errors.Is(err, c.err):
				t.Fatalf("%v, want %v", err, c.err)
			case err != nil:
				return
			}
			if replayed || len(view.Messages) != c.sms || !strings.HasPrefix(view.Citizen.Number+view.Citizen.Alias, c.who) || view.Link != "" {
				t.Errorf("%+v, replayed %v", view, replayed)
			}
			n, err := conversation.ParseNumber(view.Number)
			if err != nil {
				t.Fatal(err)
			}
			reveal := strings.HasPrefix(view.Citizen.Number, "+6281")
			stands, err := s.desk.Ticket(t.Context(), desk.TicketRequest{Number: n, Viewer: desk.Viewer{Reveal: reveal}})
			if err != nil {
				t.Fatal(err)
			}
			a, _ := json.Marshal(view)
			b, _ := json.Marshal(stands)
			if string(a) != string(b) {
				t.Errorf("the answer is not the ticket:\n%s\n%s", a, b)
			}
			if view.Category == "" || view.History[0].By != "loket" || view.Status != "filed" {
				t.Errorf("%+v", view)
			}
			if events := s.redis.Events(); events[len(events)-1] != conversation.EventFiled {
				t.Errorf("events %v", events)
			}
		})
	}
}

func TestTheSameReportIsFiledOnce(t *testing.T) {
	for name, number := range map[string]string{"with a telephone": "081234567100", "without": ""} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.now = day
			ask := func(number, text, fingerprint string) (desk.TicketView, bool, error) {
				s.now = s.now.Add(time.Minute)
				return s.file(func(r *desk.FileRequest) {
					r.Number, r.Text, r.Location, r.Idempotency = number, text, "RT 4", &desk.Idempotency{Key: "k", Fingerprint: fingerprint}
				})
			}
			first, replayed, err := ask(number, "jalan rusak di Jl Melati RT 3", "f")
			if err != nil || replayed {
				t.Fatal(replayed, err)
			}
			n, _ := conversation.ParseNumber(first.Number)
			if _, _, err := s.push(n, conversation.Verified, nil); err != nil { // meanwhile it goes on
				t.Fatal(err)
			}
			s.daemon("q")
			second, replayed, err := ask(number, "jalan rusak di Jl Melati RT 3", "f")
			a, _ := json.Marshal(first)
			b, _ := json.Marshal(second)
			if err != nil || !replayed || string(a) != string(b) {
				t.Errorf("again: %v, %v\n%s\n%s", replayed, err, a, b)
			}
			for what, other := range map[string]string{"the same telephone": number, "another telephone": "081234567199", "no telephone": ""} {
				if _, _, err := ask(other, "lampu mati", "g"); !errors.Is(err, desk.ErrKeyMisused) {
					t.Errorf("another body and %s: %v", what, err)
				}
			}
			if all := s.redis.Tickets(); len(all) != 1 {
				t.Errorf("%d tickets", len(all))
			}
		})
	}
}

func TestATicketWithoutATelephoneGetsNoSMS(t *testing.T) {
	s := newStage(t)
	s.now = day
	view, _, err := s.file(func(r *desk.FileRequest) { r.Number = "" })
	if err != nil {
		t.Fatal(err)
	}
	n, _ := conversation.ParseNumber(view.Number)
	a, _, err := s.push(n, conversation.Resolved, nil)
	if err != nil || len(a.Messages) != 0 || a.Refused == nil || *a.Refused != "no_telephone" || a.Status != "resolved" {
		t.Errorf("a status: %+v, %v", a, err)
	}
	a, _, err = s.desk.PushQuestion(t.Context(), desk.QuestionRequest{Viewer: desk.Viewer{Name: "k"}, Number: n, Text: "Di mana?"})
	if err != nil || len(a.Messages) != 0 || a.Refused == nil || *a.Refused != "no_telephone" {
		t.Errorf("a question: %+v, %v", a, err)
	}
}

// agencies knows some names.
type agencies map[string]bool

func (a agencies) Knows(_ context.Context, name string) (bool, error) { return a[name], nil }

func TestATicketIsForwarded(t *testing.T) {
	s := newStage(t)
	s.now = day
	s.agencies = agencies{"pu": true, "dinkes": true}
	s.daemon("p")
	number := s.filed(0)
	assign := func(agency, to string, change func(r *desk.AssignRequest)) (desk.AssignAnswer, bool, error) {
		r := desk.AssignRequest{Viewer: desk.Viewer{Name: "k", Agency: agency}, Number: number, Agency: to, Note: "bukan urusan kami"}
		if change != nil {
			change(&r)
		}
		return s.desk.Assign(t.Context(), r)
	}
	ticket := func(agency string) (desk.TicketView, error) {
		return s.desk.Ticket(t.Context(), desk.TicketRequest{Number: number, Viewer: desk.Viewer{Agency: agency}})
	}
	if _, _, err := assign("pu", "pu", nil); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("an agency took a ticket: %v", err)
	}
	var invalid *desk.Invalid
	if _, _, err := assign("", "dinas pu", nil); !errors.As(err, &invalid) {
		t.Errorf("an agency that nobody knows: %v", err)
	}
	a, _, err := assign("", "pu", func(r *desk.AssignRequest) { r.Notify, r.Note = true, "ke PU" })
	if err != nil || a.Status != "forwarded" || a.Agency != "pu" || !a.Visible || len(a.Messages) != 1 {
		t.Fatalf("by the triage desk: %+v, %v", a, err)
	}
	if got := s.redis.SMSTo(phone(0)); !slices.ContainsFunc(got, func(m store.Message) bool { return strings.HasSuffix(m.Text, "diteruskan. ke PU") }) {
		t.Errorf("the SMS: %+v", got)
	}
	idem := func(r *desk.AssignRequest) { r.Idempotency = &desk.Idempotency{Key: "k", Fingerprint: "f"} }
	a, _, err = assign("pu", "dinkes", idem)
	if err != nil || a.Visible || a.Agency != "dinkes" || len(a.Messages) != 0 {
		t.Errorf("by its agency: %+v, %v", a, err)
	}
	if _, err := ticket("pu"); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("it still sees it: %v", err)
	}
	if again, replayed, err := assign("pu", "dinkes", idem); err != nil || !replayed || again.Agency != "dinkes" || again.Visible {
		t.Errorf("sent again: %+v, %v, %v", again, replayed, err)
	}
	view, err := ticket("dinkes")
	if err != nil || view.Number != number.String() || len(view.History) != 3 || *view.History[2].Agency != "dinkes" || view.History[2].Note != "bukan urusan kami" {
		t.Fatalf("%+v, %v", view, err)
	}
	if a, _, err = assign("dinkes", "", nil); err != nil || a.Status != "verified" || a.Visible {
		t.Errorf("back to the triage desk: %+v, %v", a, err)
	}
	if events := s.redis.Events(); strings.Join(events[1:], " ") != "ticket.assigned ticket.assigned ticket.assigned" {
		t.Errorf("events %v", events)
	}
	if _, _, err := s.push(number, conversation.Closed, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := assign("", "pu", nil); !errors.Is(err, desk.ErrClosed) {
		t.Errorf("a closed ticket: %v", err)
	}
}

func TestAStatusThatHandsTheTicketOnTellsSo(t *testing.T) {
	s := newStage(t)
	s.now = day
	number := s.filed(0)
	pu := "pu"
	if _, _, err := s.push(number, conversation.Forwarded, func(r *desk.StatusRequest) { r.Agency = &pu }); err != nil {
		t.Fatal(err)
	}
	if events := s.redis.Events(); strings.Join(events[1:], " ") != "ticket.status ticket.assigned" {
		t.Errorf("events %v", events)
	}
}
