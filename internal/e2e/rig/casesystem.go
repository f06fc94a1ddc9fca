package rig

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"aduan/conversation"
)

// WebhookSecret signs events; the audit looks for it in logs.
var WebhookSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("w", 32)))

// CaseSystem is the authority's endpoint: it takes signed events and remembers them.
type CaseSystem struct {
	URL string

	mu     sync.Mutex
	events []CaseEvent // guarded by mu
	status int         // guarded by mu
}

// CaseEvent is an event as it came; one that came again stands twice.
type CaseEvent struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Subject string `json:"subject"` // the ticket's number, said in groups
	Data    json.RawMessage
}

// StartCaseSystem listens until the test ends. An event with a wrong signature fails the test.
func StartCaseSystem(t testing.TB) *CaseSystem {
	t.Helper()
	verify, err := standardwebhooks.NewWebhook(WebhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	cs := &CaseSystem{status: http.StatusNoContent}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // its sender was killed
		}
		var e CaseEvent
		if err := verify.Verify(body, r.Header); err != nil {
			t.Errorf("rig: an event's signature: %v", err)
		}
		if err := json.Unmarshal(body, &e); err != nil {
			t.Errorf("rig: an event: %v", err)
		}
		cs.mu.Lock()
		status := cs.status
		if status < 300 {
			cs.events = append(cs.events, e)
		}
		cs.mu.Unlock()
		w.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	cs.URL = srv.URL
	return cs
}

// Answer is what events are answered with from now on; what is not 2xx is not remembered.
func (cs *CaseSystem) Answer(status int) {
	cs.mu.Lock()
	cs.status = status
	cs.mu.Unlock()
}

// Events are all that came, in order.
func (cs *CaseSystem) Events() []CaseEvent {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return slices.Clone(cs.events)
}

// Webhook lets a daemon hand its events to the case system.
func (c *Config) Webhook(cs *CaseSystem) {
	c.Set("case_system.webhook.url", cs.URL)
	c.Set("case_system.webhook.secret", WebhookSecret)
}

// told looks that the case system was told of every ticket, first of its filing.
func (j Judge) told(c *content) {
	j.T.Helper()
	if j.Case == nil {
		return
	}
	first := map[string]string{}
	for _, e := range j.Case.Events() {
		if _, ok := first[e.Subject]; !ok {
			first[e.Subject] = e.Type
		}
	}
	var bad []string
	say := func(number conversation.Number, what string) {
		bad = append(bad, "of ticket "+number.String()+" "+what)
	}
	for number := range c.tickets {
		switch first[number.String()] {
		case "complaint.filed":
		case "":
			say(number, "the case system was never told")
		default:
			say(number, "the case system was told "+first[number.String()]+" first")
		}
	}
	j.complain("(d)", bad)
}
