package e2e_test

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
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"aduan/internal/desk"
	"aduan/internal/e2e/rig"
	"aduan/internal/failpoint"
	"aduan/smpp/smsc"
)

// A2: the same push 50 times at once, and a crash between its commit and its answer: the first answer, one SMS.
func TestA2_SamePushAgain(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Tags: []string{"failpoints"}})
	key := l.Daemon.APIKey("tickets:read", "tickets:write")
	p := citizen(l.SMSC)
	kept(t, p.Send(rig.ShortCode, newReport()))
	number := ticketNumber.FindString(reads(t, p, 1)[0].Text)
	path := "/v1/tickets/" + number + "/status"
	push := func(idempotency, status string) (int, string) {
		code, body, err := l.Daemon.Post(path, key, idempotency, map[string]any{"status": status, "note": "Tim datang besok."})
		if err != nil {
			return 0, err.Error()
		}
		return code, string(body)
	}

	t.Log("50 at once")
	answers := make([]string, 50)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			for range 100 { // 429: told to come again
				code, body := push("fifty", "verified")
				if code == http.StatusTooManyRequests {
					time.Sleep(50 * time.Millisecond)
					continue
				}
				if code != http.StatusAccepted {
					t.Errorf("answered %d %s", code, body)
				}
				answers[i] = body
				return
			}
		})
	}
	all.Wait()
	if slices.Sort(answers); answers[0] != answers[len(answers)-1] {
		t.Errorf("the answers differ: %s and %s", answers[0], answers[len(answers)-1])
	}
	reads(t, p, 2)
	if code, body := push("fifty", "rejected"); code != http.StatusUnprocessableEntity {
		t.Errorf("the key with another body is answered %d %s", code, body)
	}

	t.Log("a crash between commit and answer")
	l.Daemon.Kill9()
	l.Daemon.Env = []string{failpoint.Env + "=" + failpoint.AfterCommit + ":1"}
	l.Daemon.Start()
	l.Daemon.WaitReady()
	if code, body := push("crash", "in_progress"); code != 0 {
		t.Errorf("the daemon that dies answers %d %s", code, body)
	}
	if code := l.Daemon.Wait(); code != -1 {
		t.Fatalf("the daemon ended with %d, want SIGKILL", code)
	}
	l.Daemon.Env = nil
	begun := time.Now()
	l.Daemon.Start()
	l.Daemon.WaitReady()
	code, first := push("crash", "in_progress")
	again, second := push("crash", "in_progress")
	if code != http.StatusAccepted || again != http.StatusAccepted || first != second {
		t.Errorf("after the restart: %d %s, again: %d %s", code, first, again, second)
	}
	reads(t, p, 3)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the SMS of the push came %v after the restart", took)
	}
	view := l.Daemon.Ticket(key, number)
	if len(view.History) != 3 || len(view.Messages) != 3 {
		t.Errorf("the ticket has %d changes and %d SMS, want 3 of each: %+v", len(view.History), len(view.Messages), view.History)
	}
	r := rig.Judge{
		T: t, SMSCs: []*rig.SMSC{l.SMSC}, Daemons: []*rig.Daemon{l.Daemon}, Redis: l.Redis, Config: l.Config, Secrets: []string{key},
	}.Audit()
	if n := len(submits(l.SMSC, p)); n != 3 {
		t.Errorf("%d SMS were sent, want 3: the answer and one for each push", n)
	}
	t.Log(r)
}

// caseSystem is the webhook's receiver.
type caseSystem struct {
	t      *testing.T
	verify *standardwebhooks.Webhook

	mu    sync.Mutex
	calls []call                                    // guarded by mu
	say   func(earlier []call, c call) (status int) // guarded by mu; 0: the connection is dropped
}

// call is one delivery.
type call struct {
	id, kind string
	ticket   desk.TicketView
	status   int
}

func (c *caseSystem) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Errorf("webhook: %v", err)
	}
	if err := c.verify.Verify(body, r.Header); err != nil {
		c.t.Errorf("webhook: the signature of %s does not hold: %v", body, err)
	}
	var event struct {
		ID          string `json:"id"`
		Type        string `json:"type"`
		SpecVersion string `json:"specversion"`
		Data        struct {
			Ticket desk.TicketView `json:"ticket"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &event); err != nil || event.SpecVersion != "1.0" {
		c.t.Errorf("webhook: %v in %s", err, body)
	}
	got := call{id: r.Header.Get("webhook-id"), kind: event.Type, ticket: event.Data.Ticket}
	c.mu.Lock()
	got.status = c.say(c.calls, got)
	c.calls = append(c.calls, got)
	c.mu.Unlock()
	if got.status == 0 {
		panic(http.ErrAbortHandler) // the connection ends without an answer
	}
	w.WriteHeader(got.status)
}

// of are the deliveries that tell what the citizen did to one ticket (sms.delivered and the like are left out).
func (c *caseSystem) of(number string) []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.calls), func(x call) bool {
		return x.ticket.Number != number || !strings.HasPrefix(x.kind, "complaint.")
	})
}

// The case system gets each event, signed, again and again until it answers 2xx: through refusals, lost answers and a
// daemon that is killed; in order for each ticket, and other tickets do not wait.
func TestTheCaseSystemHearsOfEveryComplaint(t *testing.T) {
	t.Parallel()
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of twenty-four."))
	verify, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	cs := &caseSystem{t: t, verify: verify, say: func([]call, call) int { return http.StatusInternalServerError }}
	server := httptest.NewServer(cs)
	t.Cleanup(server.Close)
	l := rig.NewLine(t, rig.Options{Conf: func(c *rig.Config) {
		c.Set("case_system.webhook.url", server.URL+"/hook")
		c.Set("case_system.webhook.secret", secret)
	}})
	file := func() (*smsc.Phone, string, string) {
		p := citizen(l.SMSC)
		text := newReport()
		kept(t, p.Send(rig.ShortCode, text))
		return p, text, ticketNumber.FindString(reads(t, p, 1)[0].Text)
	}
	waitCalls := func(number string, n int) []call {
		t.Helper()
		var got []call
		if !rig.Poll(40*time.Second, func() bool { got = cs.of(number); return len(got) >= n }) {
			t.Fatalf("the case system heard %d times of ticket %s, want %d", len(got), number, n)
		}
		return got
	}
	p, text, number := file()
	waitCalls(number, 1)

	t.Log("refused once, then the daemon is killed, then the answer is lost")
	cs.mu.Lock()
	cs.say = func(earlier []call, c call) int {
		mine := 0
		for _, e := range earlier {
			if e.ticket.Number == c.ticket.Number {
				mine++
			}
		}
		if c.ticket.Number == number && mine == 1 {
			return 0
		}
		return http.StatusNoContent
	}
	cs.mu.Unlock()
	l.Daemon.Kill9()
	l.Daemon.Start()
	l.Daemon.WaitReady()
	more := "TAMBAH " + number + " lampu juga mati " + rig.Token()
	kept(t, p.Send(rig.ShortCode, more))
	_, _, other := file()
	waitCalls(other, 1)
	got := waitCalls(number, 4)

	var kinds []string
	for _, c := range got {
		kinds = append(kinds, c.kind)
	}
	if want := []string{"complaint.filed", "complaint.filed", "complaint.filed", "complaint.added"}; !slices.Equal(kinds, want) {
		t.Errorf("the case system heard %q, want %q", kinds, want)
	}
	if got[0].id != got[1].id || got[1].id != got[2].id || got[2].id == got[3].id {
		t.Errorf("webhook-id: %s, %s, %s, then %s", got[0].id, got[1].id, got[2].id, got[3].id)
	}
	last := got[len(got)-1].ticket
	if len(last.Texts) != 2 || last.Texts[0].Text != text || !strings.Contains(last.Texts[1].Text, "lampu juga mati") || last.Citizen.Number != "+"+p.Number() {
		t.Errorf("the ticket in the event: %+v", last)
	}
	r := rig.Judge{
		T: t, SMSCs: []*rig.SMSC{l.SMSC}, Daemons: []*rig.Daemon{l.Daemon}, Redis: l.Redis, Config: l.Config, Secrets: []string{secret}, Doubles: 1,
	}.Audit()
	t.Log(r)
	if n := len(cs.of(number)); n != 4 {
		t.Errorf("after 2xx it was told again: %d deliveries", n)
	}
}
