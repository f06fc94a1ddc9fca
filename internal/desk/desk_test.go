package desk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"aduan/internal/desk"
)

func TestATicketIsWrittenAsTheContractSays(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.FixedZone("WIB", 7*3600))
	rating := 4
	for _, row := range []struct {
		name string
		view desk.TicketView
		want string
	}{
		{
			"an empty one has no null list",
			desk.TicketView{Number: "4821-3769", FiledAt: at, Citizen: desk.CitizenView{Alias: "A-17"}},
			`{"number":"4821-3769","kind":"","language":"","status":"","filed_at":"2026-11-23T02:00:00Z","texts":[],"answers":[],"category":"","agency":"","likely_agency":"","confidential":false,"incomplete":false,"urgent":false,"rating":null,"citizen":{"alias":"A-17"},"link":"","messages":[],"history":[],"external_id":""}`,
		},
		{
			"times are UTC everywhere, texts as written",
			desk.TicketView{
				FiledAt: at, Rating: &rating, Citizen: desk.CitizenView{Number: "+62•••••••123"},
				Texts:    []desk.TextView{{At: at, Text: "<b> & \u202e"}},
				Answers:  []desk.AnswerView{{Question: "location", Text: "Pasar Minggu", At: at}},
				Messages: []desk.MessageView{{ID: "01", Times: map[string]time.Time{"queued": at}}, {ID: "02"}},
				History:  []desk.ChangeView{{At: at, By: "line", To: "filed"}},
			},
			`{"number":"","kind":"","language":"","status":"","filed_at":"2026-11-23T02:00:00Z","texts":[{"at":"2026-11-23T02:00:00Z","text":"<b> & ` + "\u202e" + `","missing":false}],"answers":[{"question":"location","text":"Pasar Minggu","at":"2026-11-23T02:00:00Z"}],"category":"","agency":"","likely_agency":"","confidential":false,"incomplete":false,"urgent":false,"rating":4,"citizen":{"number":"+62•••••••123"},"link":"","messages":[{"id":"01","ticket":"","state":"","segments":0,"alphabet":"","link":"","times":{"queued":"2026-11-23T02:00:00Z"},"error":""},{"id":"02","ticket":"","state":"","segments":0,"alphabet":"","link":"","times":{},"error":""}],"history":[{"at":"2026-11-23T02:00:00Z","by":"line","from":"","to":"filed","note":""}],"external_id":""}`,
		},
	} {
		got, err := row.view.MarshalJSON()
		if err != nil || string(got) != row.want {
			t.Errorf("%s:\n got %s\nwant %s\n%v", row.name, got, row.want, err)
		}
	}
}

func TestAStoredAnswerEncodesToTheSameBytes(t *testing.T) {
	refused := "opted_out"
	for _, a := range []desk.StatusAnswer{
		{Ticket: "4821-3769", Status: "verified", Messages: []string{"01A07"}},
		{Ticket: "4821-3769", Status: "verified", Refused: &refused},
	} {
		first, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var again desk.StatusAnswer
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatal(err)
		}
		second, err := json.Marshal(again)
		if err != nil || string(first) != string(second) {
			t.Errorf("first %s, again %s (%v)", first, second, err)
		}
	}
}

func TestErrorsSayWhatToDoAndNeverWhatWasSent(t *testing.T) {
	var tooLong *desk.TooLong
	if err := fmt.Errorf("turn: %w", &desk.TooLong{Segments: 5, Max: 3}); !errors.As(err, &tooLong) ||
		err.Error() != "turn: desk: the SMS takes 5 segments, 3 are allowed: shorten it or raise max_segments" {
		t.Error(err)
	}
	if got := (&desk.Invalid{Field: "agency", Reason: "not an agency of this line"}).Error(); got != "desk: agency: not an agency of this line" {
		t.Error(got)
	}
}
