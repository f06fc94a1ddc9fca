package turn_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

func TestAPushTakesATemplateOfTheTicketsAgency(t *testing.T) {
	s := newStage(t)
	s.now = day
	s.templates = map[string]map[string]string{
		"pu":     {"done": "Laporan {number} {status}: {note}", "done.en": "Report {number} {status}: {note}", "bare": "Laporan {number} {status}"},
		"dinkes": {"sehat": "Laporan {number} sehat"},
	}
	number := s.filed(0)
	pu := "pu"
	idem := func(r *desk.StatusRequest) { r.Idempotency = &desk.Idempotency{Key: "k", Fingerprint: "f"} }
	first, _, err := s.push(number, conversation.Forwarded, func(r *desk.StatusRequest) {
		idem(r)
		r.Agency, r.Template = &pu, "done"
	})
	if err != nil || len(first.Messages) != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	want := "Laporan " + number.String() + " diteruskan: Tim kami datang besok."
	if got := s.redis.SMSTo(phone(0)); !slices.ContainsFunc(got, func(m store.Message) bool { return m.Text == want }) {
		t.Errorf("the SMS are %+v", got)
	}
	for name, change := range map[string]func(*desk.StatusRequest){
		"template": func(r *desk.StatusRequest) { r.Template = "sehat" }, // another agency's
		"note":     func(r *desk.StatusRequest) { r.Template = "bare" },  // has no place for it
	} {
		var invalid *desk.Invalid
		if _, _, err := s.push(number, conversation.InProgress, change); !errors.As(err, &invalid) || invalid.Field != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	delete(s.templates, "pu") // what was done once is answered as it was, although the template is gone
	again, replayed, err := s.push(number, conversation.Forwarded, func(r *desk.StatusRequest) {
		idem(r)
		r.Agency, r.Template = &pu, "done"
	})
	if err != nil || !replayed || strings.Join(again.Messages, "") != strings.Join(first.Messages, "") {
		t.Errorf("%+v, %v, %v", again, replayed, err)
	}
}
