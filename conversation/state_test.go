package conversation_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aduan/conversation"
)

var update = flag.Bool("update", false, "write golden files anew")

// full is a state in which everything is set.
func full() conversation.State {
	at := time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)
	n := conversation.NewNumber(42, 10001)
	return conversation.State{
		V: 2, Language: "id", OptedOut: true, Erased: true,
		Tickets: []conversation.Ticket{{
			Number: n, Kind: conversation.Complaint, Language: "id", Status: conversation.Resolved, FiledAt: at, TouchedAt: at, ClosedAt: at,
			StatusAt: at, RateBy: at, Category: "road", Agency: "pupr", Likely: "Dinas PUPR", Confidential: true, Incomplete: true, Urgent: true, Erased: true,
			Limit: conversation.LimitVerify, DueAt: at, ClockAt: at, ClockStage: 1,
			Rating: 2, Link: "main", Alias: "R10001421", ExternalID: "X1", Texts: 1, Answers: 2, Changes: 3, Messages: 4,
		}},
		Questions: []conversation.Question{
			{Ask: conversation.AskDetail, Name: "location", Ticket: n, Until: at, Then: []string{}},
			{Ask: conversation.AskOfficer, Ticket: n, Until: at, Asked: "Sejak kapan?", RemindAt: at},
			{Ask: conversation.AskWhat, Kind: conversation.Complaint, Secret: true, Until: at},
			{Ask: conversation.AskChoose, Choice: []conversation.Number{n}, Until: at},
		},
		Away:    []conversation.Away{{Number: n, At: at.Unix()}},
		EraseAt: at, Recent: []time.Time{at}, Flooded: true, Unreadable: at, Day: 2026061, Sent: 3,
		Loop: conversation.Loop{At: at, Print: 7, Same: 2, Ours: []uint64{1, 2}, Echoes: 1, Muted: 1},
	}
}

func TestStateSurvivesEncoding(t *testing.T) {
	want := encode(t, full())
	if got := encode(t, decode(t, want)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A stored state of every version that was ever written is read.
func TestStatesOfEveryVersionAreRead(t *testing.T) {
	if *update {
		if err := os.WriteFile("testdata/state/v2.json", []byte(encode(t, full())+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob("testdata/state/v*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		whole := full()
		head := &whole.Tickets[0]
		if filepath.Base(f) != "v2.json" { // knew no clocks of tickets let go
			whole.Away = nil
		}
		if base := filepath.Base(f); base == "v1.json" || base == "v2-before-plans.json" { // knew no likely institution and no plan of questions
			head.Likely, whole.Questions[0].Then = "", nil
		}
		if strings.HasSuffix(f, "v1.json") { // knew no clocks
			whole.Questions[1].RemindAt = time.Time{}
			head.Limit, head.DueAt, head.ClockAt, head.ClockStage = "", time.Time{}, time.Time{}, 0
		}
		if got, want := encode(t, decode(t, string(data))), encode(t, whole); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", f, got, want)
		}
	}
}

func TestANewerStateIsRefused(t *testing.T) {
	if _, err := conversation.DecodeState([]byte(`{"v":99}`)); !errors.Is(err, conversation.ErrNewerState) {
		t.Errorf("got %v", err)
	}
	if s, err := conversation.DecodeState(nil); err != nil || len(s.Tickets) != 0 {
		t.Errorf("nothing: got %+v, %v", s, err)
	}
}

func TestTickAtIsTheEarliest(t *testing.T) {
	s := full()
	early := s.EraseAt.Add(-time.Hour)
	s.Questions[1].Until = early
	if got := s.TickAt(); !got.Equal(early) {
		t.Errorf("got %v, want %v", got, early)
	}
	if got := (conversation.State{}).TickAt(); !got.IsZero() {
		t.Errorf("of nothing: %v", got)
	}
}
