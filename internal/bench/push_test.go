package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"aduan/internal/desk"
	"aduan/internal/staffapi"
	"aduan/store"
	"aduan/store/storetest"
)

const (
	pushConns  = 100 // connections, each with a key of its own: a key may ask 50 times a second
	pushRounds = 3
	pushTime   = 3 * time.Second
)

// BenchmarkPush is a status that staff push, end to end: HTTP → commit → submit_sm, with 100 connections. The floor is the
// same API, with its keys, limits and checks, before a desk that keeps nothing and sends nothing.
func BenchmarkPush(b *testing.B) {
	redis := storetest.Start(b, storetest.Options{Args: []string{"auto-aof-rewrite-percentage 0"}})
	g := newGenerator(b)
	g.naming = true
	d := startDaemon(b, build(b), g, redis)
	for g.position().sms < 20*pushConns {
		g.closed(b, outstanding, warmTime)
	}
	keys := d.keys(b, pushConns)
	floor := startFloor(b)

	var ways [2][]pushes
	for range pushRounds {
		before := g.submits()
		p := push(b, d.url, keys, g.numbers())
		for deadline := time.Now().Add(time.Minute); g.submits() < before+p.done; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				b.Fatalf("%d statuses were pushed, %d SMS came", p.done, g.submits()-before)
			}
		}
		p.took = time.Since(p.began) // to the last submit_sm
		ways[0] = append(ways[0], p)
		ways[1] = append(ways[1], push(b, floor, keys, g.numbers()))
	}
	d.stop(b)
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\n%d connections\tstatuses/s\tp50\tp99\t\n", pushConns)
	var rates [2]float64
	for i, name := range []string{"status pushed: HTTP, commit, submit_sm", "floor: the same API without store and link"} {
		var all []float64
		var times latencies
		for _, p := range ways[i] {
			all = append(all, float64(p.done)/p.took.Seconds())
			times = append(times, p.times...)
		}
		rates[i] = median(all)
		fmt.Fprintf(w, "%s\t%.0f\t%.2f ms\t%.2f ms\t\n", name, rates[i], micros(times.at(50))/1e3, micros(times.at(99))/1e3)
	}
	_ = w.Flush()
	fmt.Printf("a status costs %.1f times what its HTTP alone does\n\n", rates[1]/rates[0])
	b.ReportMetric(rates[0], "statuses/s")
	b.ReportMetric(100*rates[0]/rates[1], "%floor")
}

// pushes are a round.
type pushes struct {
	began time.Time
	took  time.Duration
	done  int
	times latencies // of each answer
}

// push lets each connection push statuses of tickets of its own, one after another.
func push(b *testing.B, url string, keys, numbers []string) pushes {
	b.Helper()
	p := pushes{began: time.Now()}
	var mu sync.Mutex // guards p, failed
	var failed error
	var all sync.WaitGroup
	for i, key := range keys {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			var times latencies
			var err error
			for n := 0; err == nil && time.Since(p.began) < pushTime; n++ {
				number := numbers[(i+n*len(keys))%(len(numbers)/len(keys)*len(keys))]
				at := time.Now()
				err = pushOne(client, url, key, number, []string{"verified", "in_progress"}[n/(len(numbers)/len(keys))%2])
				times = append(times, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			p.done += len(times)
			p.times = append(p.times, times...)
			if err != nil {
				failed = err
			}
		})
	}
	all.Wait()
	p.took = time.Since(p.began)
	if failed != nil {
		b.Fatal(failed)
	}
	return p
}

func pushOne(client *http.Client, url, key, number, status string) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+"/v1/tickets/"+number+"/status",
		strings.NewReader(`{"status":"`+status+`"}`))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	for {
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		switch {
		case err != nil:
			return err
		case resp.StatusCode == http.StatusTooManyRequests:
			time.Sleep(20 * time.Millisecond)
			req.Body, _ = req.GetBody()
		case resp.StatusCode != http.StatusAccepted:
			return fmt.Errorf("a push is answered %s: %s", resp.Status, body)
		default:
			return nil
		}
	}
}

// keys makes API keys as an operator does.
func (d *daemon) keys(b *testing.B, n int) []string {
	b.Helper()
	list := make([]string, n)
	for i := range list {
		out, err := exec.Command(d.cmd.Path, "keys", "add", "-c", d.file, "--name", fmt.Sprint("bench", i), "--scope", "tickets:read,tickets:write").Output()
		if err != nil {
			b.Fatalf("keys add: %v", err)
		}
		list[i] = string(bytes.TrimSpace(out))
	}
	return list
}

var numberInText = regexp.MustCompile(`\d{1,4}-\d{4}`)

// numbers are the tickets that the SMS so far have named, as they stand in a path.
func (g *generator) numbers() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.named...)
}

// submits is how many submit_sm have come.
func (g *generator) submits() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int(g.ids) //nolint:gosec // a count
}

// nothing is a desk that keeps and sends nothing, and keys that are all good.
type nothing struct{ staffapi.Desk }

func (nothing) PushStatus(_ context.Context, r desk.StatusRequest) (desk.StatusAnswer, bool, error) {
	return desk.StatusAnswer{Ticket: r.Number.String(), Status: string(r.Status), Messages: []string{"01J0000000000000000000000007"}}, false, nil
}

func (nothing) FindKey(_ context.Context, secret string) (store.APIKey, error) {
	return store.APIKey{ID: secret, Name: "bench", Scopes: []string{staffapi.ScopeRead, staffapi.ScopeWrite}}, nil
}

// startFloor serves the API before nothing.
func startFloor(b *testing.B) (url string) {
	b.Helper()
	unused := struct { // nobody asks for them here
		agencies struct{ staffapi.Agencies }
		events   struct{ staffapi.Events }
		keyring  struct{ staffapi.Keyring }
		jobs     struct{ staffapi.Jobs }
	}{}
	s, err := staffapi.New(staffapi.Options{Desk: nothing{}, Keys: nothing{}, Agencies: unused.agencies, Events: unused.events, Keyring: unused.keyring, Jobs: unused.jobs})
	if err != nil {
		b.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx, ln) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			b.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}
