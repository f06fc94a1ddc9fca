package staffapi_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"aduan/internal/desk"
	"aduan/internal/staffapi"
)

// The examples of docs/integrate.md are read as the code reads and writes them, so that they stay true.
func TestTheGuideIsTrue(t *testing.T) {
	guide, err := os.ReadFile("../../docs/integrate.md")
	if err != nil {
		t.Fatal(err)
	}
	a := newAPI(t, nil)
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile("(?s)```json (\\w+)\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		kind, text := m[1], m[2]
		seen[kind] = true
		switch kind {
		case "status":
			if w := a.do(ask("POST", ticketPath("/status"), "all", text)); w.Code != 202 {
				t.Errorf("the status is refused: %s", w.Body)
			}
		case "preview":
			w := a.do(ask("POST", "/v1/preview", "all", `{"text":"Terima kasih 👍"}`))
			if strings.TrimSpace(w.Body.String()) != strings.TrimSpace(text) {
				t.Errorf("the preview is %s", w.Body)
			}
		case "ticket":
			same[desk.TicketView](t, kind, text)
		case "answer":
			same[desk.StatusAnswer](t, kind, text)
		case "problem":
			same[staffapi.Problem](t, kind, text)
		case "event":
			same[struct {
				SpecVersion     string    `json:"specversion"`
				ID              string    `json:"id"`
				Source          string    `json:"source"`
				Type            string    `json:"type"`
				Subject         string    `json:"subject"`
				Time            time.Time `json:"time"`
				DataContentType string    `json:"datacontenttype"`
				Data            struct {
					Ticket desk.TicketView `json:"ticket"`
					Text   int             `json:"text"`
				} `json:"data"`
			}](t, kind, text)
		}
	}
	if len(seen) != 6 {
		t.Errorf("examples found: %v", seen)
	}
	for _, code := range staffapi.Codes() {
		if !strings.Contains(string(guide), "`"+code+"`") {
			t.Errorf("the guide does not tell of the code %s", code)
		}
	}
}

// same reads an example into T and writes it again: the same fields in the same order.
func same[T any](t *testing.T, kind, text string) {
	t.Helper()
	var v T
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Errorf("%s: %v", kind, err)
		return
	}
	got, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if want := regexp.MustCompile(`\n\s*`).ReplaceAllString(strings.TrimSpace(text), ""); string(got) != want {
		t.Errorf("%s:\n got %s\nwant %s", kind, got, want)
	}
}
