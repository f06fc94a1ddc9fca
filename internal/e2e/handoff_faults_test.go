//go:build faults

package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"aduan/internal/e2e/rig"
	"aduan/internal/failpoint"
)

// badReceiver is a case system that fails in every way that FAULTS names; it notes what came and what it took.
type badReceiver struct {
	t      *testing.T
	verify *standardwebhooks.Webhook
	random *rand.Rand // guarded by mu

	mu    sync.Mutex
	well  bool
	down  bool                // every connection is dropped
	came  map[string][]string // ticket → ids, in the order of their first arrival
	body  map[string]string   // id → what it told
	taken map[string]int      // id → 2xx answers
	again int                 // deliveries of an id that came before
	how   map[string]int      // what was done, for the log
}

func (b *badReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its sender was killed
	}
	if err := b.verify.Verify(body, r.Header); err != nil {
		b.t.Errorf("a signature does not hold: %v", err)
	}
	switch fault := b.note(r.Header.Get("webhook-id"), body); fault {
	case "drop before", "drop after 200":
		hijacked, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		if fault == "drop after 200" { // it was taken; of the answer only half arrives
			_, _ = hijacked.Write([]byte("HTTP/1.1 200 "))
		}
		if tcp, ok := hijacked.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = hijacked.Close()
	case "slow":
		time.Sleep(1500 * time.Millisecond) // longer than it is waited for
		w.WriteHeader(http.StatusNoContent)
	case "500":
		w.WriteHeader(http.StatusInternalServerError)
	case "429":
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// note writes down what came, and says how it is answered.
func (b *badReceiver) note(id string, body []byte) string {
	var e struct {
		ID      string          `json:"id"`
		Type    string          `json:"type"`
		Subject string          `json:"subject"`
		Time    string          `json:"time"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.ID != id {
		b.t.Errorf("%v in %s", err, body)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	what := e.Type + " " + e.Time
	if first, ok := b.body[id]; ok {
		if b.again++; first != what {
			b.t.Errorf("%s told %s, and then %s", id, first, what)
		}
	} else {
		b.body[id] = what
		b.came[e.Subject] = append(b.came[e.Subject], id)
	}
	fault := ""
	if !b.well {
		fault = []string{"", "", "", "", "drop before", "drop after 200", "slow", "500", "429"}[b.random.IntN(9)]
	}
	if b.down {
		fault = "drop before"
	}
	b.how[fault]++
	if fault == "" || fault == "drop after 200" || fault == "slow" {
		b.taken[id]++
	}
	return fault
}

// C1, C2, C3: the receiver is slow, answers 500 or 429, drops the connection before or after its answer, or is away, and the
// daemon is killed 20 times: each ticket's events arrive in order, each at least once and under the same id when it comes
// again, and what staff push with an Idempotency-Key is done once.
func TestFaultC1C2C3_TheReceiverFailsAndTheDaemonDies(t *testing.T) {
	const kills, people = 20, 30
	verify, err := standardwebhooks.NewWebhook(rig.WebhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	b := &badReceiver{
		t: t, verify: verify, random: rand.New(rand.NewPCG(seed(t), 3)),
		came: map[string][]string{}, body: map[string]string{}, taken: map[string]int{}, how: map[string]int{},
	}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	l := rig.NewLine(t, rig.Options{Tags: []string{"failpoints"}, Cold: true, Conf: func(c *rig.Config) {
		c.Set("case_system.webhook.url", server.URL)
		c.Set("case_system.webhook.secret", rig.WebhookSecret)
	}})
	l.Daemon.Env = []string{failpoint.HurryEnv + "=60"}
	l.Daemon.Start()
	l.Daemon.WaitReady()
	key := l.Daemon.APIKey("tickets:read", "tickets:write", "operate")
	random := rand.New(rand.NewPCG(seed(t), 4))

	var numbers []string
	for range people {
		p := citizen(l.SMSC)
		kept(t, p.Send(rig.ShortCode, newReport()))
		numbers = append(numbers, ticketNumber.FindString(reads(t, p, 1)[0].Text))
	}
	pushes := map[string][]string{} // ticket → notes
	var mu sync.Mutex
	var staff sync.WaitGroup
	for i := range 6 { // each officer pushes to tickets of their own, and sends again what was not answered
		staff.Go(func() {
			for round := range 3 {
				for n := i; n < len(numbers); n += 6 {
					note := fmt.Sprintf("tahap %d %s", round, rig.Token())
					pushUntilKept(t, l, key, numbers[n], note)
					mu.Lock()
					pushes[numbers[n]] = append(pushes[numbers[n]], note)
					mu.Unlock()
				}
			}
		})
	}
	for kill := range kills {
		b.mu.Lock()
		b.down = kill >= 8 && kill < 12
		b.mu.Unlock()
		time.Sleep(time.Duration(200+random.IntN(400)) * time.Millisecond) // a moment of its life, no wait for a result
		l.Daemon.Kill9()
		l.Daemon.Start()
		l.Daemon.WaitReady()
	}
	staff.Wait()
	b.mu.Lock()
	b.well, b.down = true, false
	b.mu.Unlock()

	want := pulled(t, l, key)
	if !rig.Poll(90*time.Second, func() bool { want = pulled(t, l, key); return b.has(want) }) {
		t.Fatalf("events never arrived: %s", b.missing(want))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for number, ids := range want {
		if !slices.Equal(b.came[number], ids) {
			t.Errorf("ticket %s: %v arrived, %v happened", number, b.came[number], ids)
		}
	}
	for _, number := range numbers {
		var notes []string
		for _, h := range l.Daemon.Ticket(key, number).History {
			if h.Note != "" {
				notes = append(notes, h.Note)
			}
		}
		if !slices.Equal(notes, pushes[number]) {
			t.Errorf("ticket %s: pushed %v, in its history %v", number, pushes[number], notes)
		}
	}
	t.Logf("%d kills; %d events of %d tickets, %d deliveries came again; answers: %v", kills, len(b.body), len(want), b.again, b.how)
}

// pushUntilKept pushes as a case system does: with the same key again until it is answered.
func pushUntilKept(t *testing.T, l *rig.Line, key, number, note string) {
	body := map[string]any{"status": "in_progress", "note": note}
	ok := rig.Poll(60*time.Second, func() bool {
		code, answer, err := l.Daemon.Post("/v1/tickets/"+number+"/status", key, note, body)
		if err == nil && code >= 400 && code < 500 && code != http.StatusTooManyRequests {
			t.Errorf("refused: %d %s", code, answer)
			return true
		}
		return err == nil && code == http.StatusAccepted
	})
	if !ok {
		t.Errorf("ticket %s: a push was never kept", number)
	}
}

// pulled are the ids of each ticket's events, in order.
func pulled(t *testing.T, l *rig.Line, key string) map[string][]string {
	all := map[string][]string{}
	for after := ""; ; {
		code, body, err := l.Daemon.Get("/v1/events?limit=1000&after="+after, key)
		if err != nil || code != http.StatusOK {
			t.Fatalf("pull: %d %s %v", code, body, err)
		}
		var page struct {
			Items []struct{ ID, Subject string }
			Next  *string
		}
		if err := json.Unmarshal(body, &page); err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Items {
			all[e.Subject] = append(all[e.Subject], e.ID)
		}
		if len(page.Items) == 0 || page.Next == nil {
			return all
		}
		after = *page.Next
	}
}

// has tells whether all of want was taken.
func (b *badReceiver) has(want map[string][]string) bool { return b.missing(want) == "" }

func (b *badReceiver) missing(want map[string][]string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var missing []string
	for number, ids := range want {
		for _, id := range ids {
			if b.taken[id] == 0 {
				missing = append(missing, number+" "+id+" "+b.body[id])
			}
		}
	}
	return strings.Join(missing, "; ")
}
