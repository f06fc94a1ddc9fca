package store_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/store"
)

// typical is the turn of a complaint: state, ticket with a text, SMS, event, mark, tick.
func (b *bench) typical(c store.Citizen, n uint64, sms string) *store.Turn {
	origin := store.Origin{Delivery: "01M84YD4YSMGDD36YK63C3JRS1.main.1-" + fmt.Sprint(n), Received: b.now}
	return &store.Turn{
		Boot: b.BootID(), Deadline: time.Now().Add(time.Minute), Now: b.now, Citizen: c, State: make([]byte, 300), TickAt: b.now.Add(time.Hour),
		Tickets: []store.TicketWrite{{Serial: n, New: true, Head: make([]byte, 250), Entries: []store.Entry{
			{Field: "x1", Data: make([]byte, 120)},
			{Field: "y1", Data: make([]byte, 60)},
			{Field: "m1", Data: []byte(sms), Plain: true},
			{Field: store.OriginField("x1"), Data: []byte(origin.String()), Plain: true},
		}}},
		SMS:    []store.SMS{{ID: sms, Text: "Laporan Anda kami terima dengan nomor 1000-1234. Di mana kejadiannya?", From: "1708", Link: "main", Ticket: n, Hold: true, Origin: origin}},
		Events: []store.Event{{ID: b.NewID(c.ID.Shard), Type: "complaint.filed", Ticket: n, At: b.now, Data: []byte(`{"text":1}`)}},
		Mark:   fresh(fmt.Sprint(n), fmt.Sprintf("s-%d", n), "s"),
	}
}

// BenchmarkCommit is the way of a complaint into a Redis that syncs each write, and what follows its submit_sm_resp.
func BenchmarkCommit(b *testing.B) {
	for _, goroutines := range []int{1, 50, 200} {
		b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
			t := newBench(b, sharedRedis(b))
			each(b, goroutines, func(_ int, n uint64) {
				c, _ := t.Assume(number(int(n)))
				out, err := t.Commit(t.ctx, t.typical(c, n+10000, t.NewID(c.ID.Shard)))
				if err != nil || out.Kind != store.Kept {
					b.Errorf("%v, %v", out.Kind, err)
				}
			})
			t.reportScriptTime(b)
		})
	}
}

// BenchmarkCommitAndDone adds the second script of a message.
func BenchmarkCommitAndDone(b *testing.B) {
	for _, goroutines := range []int{50, 200} {
		b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
			t := newBench(b, sharedRedis(b))
			each(b, goroutines, func(_ int, n uint64) {
				c, _ := t.Assume(number(int(n)))
				out, err := t.Commit(t.ctx, t.typical(c, n+10000, t.NewID(c.ID.Shard)))
				if err != nil || len(out.Send) != 1 {
					b.Errorf("%v, %v", out.Kind, err)
					return
				}
				if _, err := t.Done(t.ctx, store.Done{
					Boot: t.BootID(), SMS: out.Send[0], End: store.DoneAccepted,
					MessageIDs: []string{out.Send[0].ID}, At: t.now, HoldNext: true, Try: &store.Try{
						At: t.now, Took: 2 * time.Millisecond, Link: "main", Session: "01M84YD4YSMGDD36YK63C3JRS1.main.1",
						Parts: []store.TryPart{{Status: "ESME_ROK", MessageID: out.Send[0].ID}},
					},
				}); err != nil {
					b.Error(err)
				}
			})
			t.reportScriptTime(b)
		})
	}
}

// BenchmarkFloor is the same script from two bare loops with pipelines of the same length, its arguments made beforehand.
func BenchmarkFloor(b *testing.B) {
	for _, length := range []int{25, 100} {
		b.Run(fmt.Sprintf("pipelines=2x%d", length), func(b *testing.B) {
			t := newBench(b, sharedRedis(b))
			sha, text := store.CommitSHA()
			t.rdb.ScriptLoad(t.ctx, text)
			type wire struct {
				keys []string
				args []any
			}
			wires := make([]wire, b.N)
			for n := range wires {
				c, _ := t.Assume(number(n))
				keys, args := t.WireForTest(t.typical(c, uint64(n)+10000, t.NewID(c.ID.Shard)))
				wires[n] = wire{keys, args}
			}
			b.ResetTimer()
			var next atomic.Int64
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					for {
						from := int(next.Add(int64(length))) - length
						if from >= b.N {
							return
						}
						pipe := t.rdb.Pipeline()
						for _, w := range wires[from:min(from+length, b.N)] {
							pipe.EvalSha(t.ctx, sha, w.keys, w.args...)
						}
						if _, err := pipe.Exec(context.Background()); err != nil && !errors.Is(err, redis.Nil) {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "scripts/s")
			t.reportScriptTime(b)
		})
	}
}

// each runs f b.N times on so many goroutines.
func each(b *testing.B, goroutines int, f func(worker int, n uint64)) {
	b.ResetTimer()
	var next atomic.Uint64
	var wg sync.WaitGroup
	for w := range goroutines {
		wg.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= uint64(b.N) {
					return
				}
				f(w, n)
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "turns/s")
}

// reportScriptTime says what a script costs inside Redis.
func (t *bench) reportScriptTime(b *testing.B) {
	for line := range strings.Lines(t.rdb.Info(t.ctx, "commandstats").Val()) {
		if rest, ok := strings.CutPrefix(line, "cmdstat_evalsha:"); ok {
			for field := range strings.SplitSeq(rest, ",") {
				if v, ok := strings.CutPrefix(field, "usec_per_call="); ok {
					us, _ := strconv.ParseFloat(v, 64)
					b.ReportMetric(us, "µs/script")
				}
			}
		}
	}
}
