package turn_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
)

// What is shown before is what is sent then, and showing it changes nothing.
func TestADraftIsTheSMSThatAPushSends(t *testing.T) {
	s := newStage(t)
	s.now = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	number := s.filed(0)
	ticket := func() desk.TicketView {
		t.Helper()
		v, err := s.desk.Ticket(t.Context(), desk.TicketRequest{Number: number})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	status := desk.StatusRequest{Viewer: desk.Viewer{Name: "kantor"}, Number: number, Status: conversation.InProgress, Note: "Tim di lokasi \u2014 besok.", Notify: true}
	question := desk.QuestionRequest{Viewer: status.Viewer, Number: number, Text: "Di RT berapa?"}
	before := ticket()
	draft, err := s.desk.DraftStatus(t.Context(), status)
	asked, err2 := s.desk.DraftQuestion(t.Context(), question)
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(before, ticket()) {
		t.Error("a draft has changed the ticket")
	}
	for what, push := range map[string]struct {
		draft desk.DraftView
		send  func() (desk.StatusAnswer, bool, error)
	}{
		"status":   {draft, func() (desk.StatusAnswer, bool, error) { return s.desk.PushStatus(t.Context(), status) }},
		"question": {asked, func() (desk.StatusAnswer, bool, error) { return s.desk.PushQuestion(t.Context(), question) }},
	} {
		a, _, err := push.send()
		if err != nil || len(a.Messages) != 1 {
			t.Fatalf("%s: %+v, %v", what, a, err)
		}
		sent, err := s.desk.Message(t.Context(), desk.MessageRequest{ID: a.Messages[0]})
		if err != nil || sent.Text == "" || sent.Text != push.draft.Text || sent.Segments != push.draft.Segments || sent.Alphabet != push.draft.Alphabet {
			t.Errorf("%s: shown %+v, sent %q (%d %s), %v", what, push.draft, sent.Text, sent.Segments, sent.Alphabet, err)
		}
	}
	status.Note = strings.Repeat("panjang ", 100)
	if long, err := s.desk.DraftStatus(t.Context(), status); err != nil || long.Segments < 6 {
		t.Errorf("what is too long is not shown: %+v, %v", long, err)
	}
	s.sms(0, "STOP")
	if none, err := s.desk.DraftStatus(t.Context(), status); err != nil || none.Refused != "opted_out" || none.Text != "" {
		t.Errorf("to one who wants no SMS: %+v, %v", none, err)
	}
	for what, change := range map[string]func(r *desk.StatusRequest){
		"unknown":   func(r *desk.StatusRequest) { r.Number = conversation.NewNumber(number.Shard(), 99_999) },
		"another's": func(r *desk.StatusRequest) { r.Viewer.Agency = "pu" },
	} {
		r := status
		change(&r)
		if _, err := s.desk.DraftStatus(t.Context(), r); !errors.Is(err, desk.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
