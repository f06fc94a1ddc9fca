package bench_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"aduan/conversation"
	"aduan/internal/handoff"
	"aduan/internal/msisdn"
	"aduan/internal/turn"
	"aduan/store"
	"aduan/store/storetest"
)

const (
	hookTickets = 3000
	hookEvents  = 2 // of each ticket
	hookRounds  = 3
	hookConns   = 8 // as many as the hand-off has by default
)

// BenchmarkWebhook is events handed on to a receiver of this machine: read from the store, told of the ticket as it is, signed,
// posted, noted as taken. The floor is the same bodies posted by as many connections, and nothing else.
func BenchmarkWebhook(b *testing.B) {
	s, _ := storetest.Open(b, func(o *store.Options) { o.Handoffs = true })
	var got atomic.Int64
	var body atomic.Pointer[[]byte]
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		body.Store(&read)
		got.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer receiver.Close()
	h, err := handoff.New(handoff.Options{
		Store: s, Bodies: turn.NewDesk(turn.New(turn.Options{Store: s, Now: time.Now})), Queue: hookTickets,
		Endpoint: handoff.Endpoint{URL: receiver.URL, Secret: "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("w"), 24))},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()

	var rates, floors []float64
	for round := range hookRounds {
		refs := withEvents(b, s, round)
		got.Store(0)
		began := time.Now()
		for _, ref := range refs {
			h.Offer(ref)
		}
		for deadline := time.Now().Add(time.Minute); got.Load() < hookTickets*hookEvents; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				b.Fatalf("%d of %d events came", got.Load(), hookTickets*hookEvents)
			}
		}
		rates = append(rates, hookTickets*hookEvents/time.Since(began).Seconds())
		floors = append(floors, posts(b, receiver.URL, *body.Load()))
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\n%d connections, %d octets\tevents/s\t\n", hookConns, len(*body.Load()))
	fmt.Fprintf(w, "handed on: store, ticket, signature, POST, noted\t%.0f\t\n", median(rates))
	fmt.Fprintf(w, "floor: the same bodies posted\t%.0f\t\n", median(floors))
	fmt.Fprintf(w, "ratio\t%.2f\t\n", median(rates)/median(floors))
	_ = w.Flush()
	b.ReportMetric(median(rates), "events/s")
	b.ReportMetric(median(rates)/median(floors), "of-the-floor")
}

// withEvents keeps tickets of new citizens, each with events that wait.
func withEvents(b *testing.B, s *store.Store, round int) []store.HandoffRef {
	refs := make([]store.HandoffRef, hookTickets)
	var all sync.WaitGroup
	for part := range 16 {
		all.Go(func() {
			for n := part; n < hookTickets; n += 16 {
				var err error
				if refs[n], err = oneWithEvents(b.Context(), s, fmt.Sprintf("+62812%02d%06d", round, n)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return refs
}

func oneWithEvents(ctx context.Context, s *store.Store, number string) (store.HandoffRef, error) {
	m, err := msisdn.FromE164(number)
	if err != nil {
		return store.HandoffRef{}, err
	}
	c, err := s.Assume(m)
	if err != nil {
		return store.HandoffRef{}, err
	}
	serial, err := s.TakeSerial(ctx, c.ID.Shard)
	if err != nil {
		return store.HandoffRef{}, err
	}
	now := time.Now()
	n := conversation.NewNumber(c.ID.Shard, serial)
	head, err1 := json.Marshal(conversation.Ticket{Number: n, Kind: conversation.Complaint, Language: "id", Status: conversation.Filed, FiledAt: now, Category: "road", Texts: 1, Link: "main"})
	text, err2 := json.Marshal(conversation.TextEntry{Ticket: n, Index: 1, At: now, Parts: []string{strings.Repeat("jalan rusak di depan pasar ", 5)}})
	if err1 != nil || err2 != nil {
		return store.HandoffRef{}, fmt.Errorf("%w %w", err1, err2)
	}
	t := &store.Turn{
		Boot: s.BootID(), Now: now, Citizen: c, State: []byte("{}"), HandoffHere: true,
		Tickets: []store.TicketWrite{{Serial: serial, New: true, Head: head, Entries: []store.Entry{{Field: "x1", Data: text}}}},
	}
	for range hookEvents {
		t.Events = append(t.Events, store.Event{ID: s.NewID(c.ID.Shard), Type: conversation.EventFiled, Ticket: serial, At: now, Data: []byte(`{"text":1}`)})
	}
	out, err := s.Commit(ctx, t)
	if err == nil && out.Kind != store.Kept {
		err = fmt.Errorf("not kept: %v", out.Kind)
	}
	return store.HandoffOf(c.ID, t.Events[0]), err
}

// posts is how many of these bodies are posted a second.
func posts(b *testing.B, url string, body []byte) float64 {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: hookConns}}
	defer client.CloseIdleConnections()
	began := time.Now()
	var all sync.WaitGroup
	for range hookConns {
		all.Go(func() {
			for range hookTickets * hookEvents / hookConns {
				resp, err := client.Post(url, "application/cloudevents+json", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
	all.Wait()
	return hookTickets * hookEvents / time.Since(began).Seconds()
}
