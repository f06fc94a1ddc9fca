package turn_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
)

func (s *stage) push(number conversation.Number, status conversation.Status, change func(r *desk.StatusRequest)) (desk.StatusAnswer, bool, error) {
	r := desk.StatusRequest{Viewer: desk.Viewer{Name: "kantor"}, Number: number, Status: status, Note: "Tim kami datang besok.", Notify: true}
	if change != nil {
		change(&r)
	}
	return s.desk.PushStatus(s.t.Context(), r)
}

func TestWhatStaffPush(t *testing.T) {
	for name, c := range map[string]struct {
		before  func(s *stage, n conversation.Number)
		status  conversation.Status
		change  func(r *desk.StatusRequest)
		err     error
		refused string
		sms     int
	}{
		"a status with an SMS": {status: conversation.InProgress, sms: 1},
		"a status without one": {status: conversation.InProgress, change: func(r *desk.StatusRequest) { r.Notify = false }},
		"to one who wants no SMS": {
			before: func(s *stage, _ conversation.Number) { s.sms(0, "STOP") },
			status: conversation.InProgress, refused: "opted_out",
		},
		"on a closed ticket": {
			before: func(s *stage, n conversation.Number) {
				if _, _, err := s.push(n, conversation.Closed, nil); err != nil {
					s.t.Fatal(err)
				}
			},
			status: conversation.InProgress, err: desk.ErrClosed,
		},
		"reopening a closed ticket": {
			before: func(s *stage, n conversation.Number) {
				if _, _, err := s.push(n, conversation.Closed, nil); err != nil {
					s.t.Fatal(err)
				}
			},
			status: conversation.Reopened, sms: 1,
		},
		"too long":           {status: conversation.InProgress, change: func(r *desk.StatusRequest) { r.Note, r.MaxSegments = strings.Repeat("panjang ", 60), 1 }, err: &desk.TooLong{}},
		"an unknown ticket":  {status: conversation.InProgress, change: func(r *desk.StatusRequest) { r.Number = conversation.NewNumber(r.Number.Shard(), 99_999) }, err: desk.ErrNotFound},
		"another's ticket":   {status: conversation.InProgress, change: func(r *desk.StatusRequest) { r.Viewer.Agency = "pu" }, err: desk.ErrNotFound},
		"the store is gone":  {before: func(s *stage, _ conversation.Number) { s.redis.Gone(true) }, status: conversation.InProgress, err: desk.ErrUnavailable},
		"the answer is lost": {before: func(s *stage, _ conversation.Number) { s.redis.LoseUnrun("commit"); s.redis.LoseUnrun("commit") }, status: conversation.InProgress, err: desk.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.now = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC) // ten in the morning there
			number := s.filed(0)
			if c.before != nil {
				c.before(s, number)
			}
			a, replayed, err := s.push(number, c.status, c.change)
			var long, wantLong *desk.TooLong
			switch {
			case errors.As(c.err, &wantLong):
				if !errors.As(err, &long) || long.Segments < 2 || long.Max != 1 {
					t.Fatalf("%v", err)
				}
				return
			case !errors.Is(err, c.err):
				t.Fatalf("%v, want %v", err, c.err)
			case err != nil:
				return
			}
			if replayed || a.Ticket != number.String() || a.Status != string(c.status) || len(a.Messages) != c.sms {
				t.Errorf("%+v, replayed %v", a, replayed)
			}
			if (a.Refused == nil) != (c.refused == "") || (a.Refused != nil && *a.Refused != c.refused) {
				t.Errorf("refused %v, want %q", a.Refused, c.refused)
			}
			view, err := s.desk.Ticket(t.Context(), desk.TicketRequest{Number: number})
			if err != nil || view.Status != string(c.status) {
				t.Errorf("%q, %v", view.Status, err)
			}
		})
	}
}

func TestTheSameKeyAgainGivesTheFirstAnswer(t *testing.T) {
	pu, other := "pu", "air"
	key := &desk.Idempotency{Key: "k1", Fingerprint: "f1"}
	for name, c := range map[string]struct {
		first, again func(r *desk.StatusRequest)
		status       conversation.Status
		err          error
	}{
		"the same request":                       {status: conversation.InProgress},
		"the ticket is closed by it":             {status: conversation.Closed},
		"another body":                           {status: conversation.InProgress, again: func(r *desk.StatusRequest) { r.Idempotency = &desk.Idempotency{Key: "k1", Fingerprint: "f2"} }, err: desk.ErrKeyMisused},
		"it handed the ticket to another agency": {status: conversation.Forwarded, first: func(r *desk.StatusRequest) { r.Viewer.Agency, r.Agency = pu, &other }, again: func(r *desk.StatusRequest) { r.Viewer.Agency, r.Agency = pu, &other }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.now = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
			number := s.filed(0)
			if _, _, err := s.push(number, conversation.Verified, func(r *desk.StatusRequest) { r.Agency, r.Notify = &pu, false }); err != nil {
				t.Fatal(err)
			}
			with := func(change func(r *desk.StatusRequest)) func(r *desk.StatusRequest) {
				return func(r *desk.StatusRequest) {
					r.Idempotency = key
					if change != nil {
						change(r)
					}
				}
			}
			first, replayed, err := s.push(number, c.status, with(c.first))
			if err != nil || replayed {
				t.Fatal(err, replayed)
			}
			sms := len(s.redis.SMS())
			again, replayed, err := s.push(number, c.status, with(c.again))
			if !errors.Is(err, c.err) {
				t.Fatalf("%v, want %v", err, c.err)
			}
			a, _ := json.Marshal(first)
			b, _ := json.Marshal(again)
			if err == nil && (!replayed || string(a) != string(b)) {
				t.Errorf("replayed %v\n%s\n%s", replayed, a, b)
			}
			if n := len(s.redis.SMS()); n != sms {
				t.Errorf("%d SMS, before %d", n, sms)
			}
		})
	}
}

func TestAQuestionIsAskedAndItsAnswerStandsInTheTicket(t *testing.T) {
	s := newStage(t)
	s.now = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	number := s.filed(0)
	a, _, err := s.desk.PushQuestion(t.Context(), desk.QuestionRequest{Viewer: desk.Viewer{Name: "kantor"}, Number: number, Text: "Sejak kapan jalan itu rusak?"})
	if err != nil || len(a.Messages) != 1 {
		t.Fatal(a, err)
	}
	s.now = s.now.Add(time.Hour)
	s.sms(0, "Sejak bulan Januari")
	view, err := s.desk.Ticket(t.Context(), desk.TicketRequest{Number: number})
	if err != nil || len(view.Answers) != 1 || view.Answers[0].Text != "Sejak bulan Januari" {
		t.Errorf("%+v, %v", view.Answers, err)
	}
	if view.Category != "road" || view.Likely != "Dinas PUPR" || view.Agency != "" {
		t.Errorf("category %q, likely agency %q, agency %q", view.Category, view.Likely, view.Agency)
	}
}
