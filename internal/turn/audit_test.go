package turn_test

import (
	"errors"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

func TestWhatStaffDoIsWrittenDownByItsOwnCommit(t *testing.T) {
	s := newStage(t)
	s.now = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	n := s.filed(0)
	who := desk.Viewer{Name: "kantor", KeyID: "k1", From: "10.0.0.7", Reveal: true}
	pu := "pu"
	push := func(status conversation.Status, want error) {
		t.Helper()
		_, _, err := s.push(n, status, func(r *desk.StatusRequest) {
			r.Viewer, r.Agency, r.Idempotency = who, &pu, &desk.Idempotency{Key: "k-" + string(status), Fingerprint: "f"}
		})
		if !errors.Is(err, want) {
			t.Fatalf("%v, want %v", err, want)
		}
	}
	push(conversation.Verified, nil)
	push(conversation.Verified, nil) // again: nothing is done, and nothing written down
	if _, err := s.desk.Ticket(t.Context(), desk.TicketRequest{Viewer: who, Number: n}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.desk.Ticket(t.Context(), desk.TicketRequest{Viewer: desk.Viewer{KeyID: "k2"}, Number: n}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.desk.PushQuestion(t.Context(), desk.QuestionRequest{Viewer: who, Number: n, Text: "Di mana?"}); err != nil {
		t.Fatal(err)
	}
	push(conversation.Closed, nil)
	push(conversation.InProgress, desk.ErrClosed)
	did := func(action, ref string) store.Audit {
		return store.Audit{KeyID: "k1", Action: action, Ticket: n.Serial(), From: "10.0.0.7", Ref: ref}
	}
	want := []store.Audit{did("status", "verified"), did("assign", "pu"), did("reveal", ""), did("question", ""), did("status", "closed"), did("assign", "pu")}
	got := s.redis.Audit(n.Shard())
	if len(got) != len(want) {
		t.Fatalf("%+v, want %+v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("record %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestANumberIsNotShownWhereThatCannotBeWrittenDown(t *testing.T) {
	s := newStage(t)
	n := s.filed(0)
	s.redis.LoseUnrun("audit")
	view, err := s.desk.Ticket(t.Context(), desk.TicketRequest{Viewer: desk.Viewer{KeyID: "k1", Reveal: true}, Number: n})
	if !errors.Is(err, desk.ErrUnavailable) || view.Citizen.Number != "" {
		t.Errorf("%v, %+v", err, view.Citizen)
	}
}
