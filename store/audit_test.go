package store_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"aduan/store"
	"aduan/store/storetest"
)

// auditStage is a line on a real server whose shard 07 has so many records chained, and the heads of today written down.
type auditStage struct {
	*store.Store
	t   *testing.T
	rdb *redis.Client
	now atomic.Int64 // ms; the store looks at it too
}

func newAuditStage(t *testing.T) *auditStage {
	a := &auditStage{t: t}
	a.now.Store(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC).UnixMilli())
	s, r := storetest.Open(t, func(o *store.Options) { o.Now = func() time.Time { return time.UnixMilli(a.now.Load()) } })
	a.Store, a.rdb = s, r.Client()
	return a
}

func (a *auditStage) write(chain, n int) {
	a.t.Helper()
	records := make([]store.Audit, n)
	for i := range records {
		records[i] = store.Audit{KeyID: "k7f3q9z1x2c4", Action: store.AuditStatus, Ticket: uint64(10001 + i/3), From: "10.0.0.7", Ref: "verified"}
	}
	if err := a.Audit(a.t.Context(), chain, records...); err != nil {
		a.t.Fatal(err)
	}
}

func (a *auditStage) chain() {
	a.t.Helper()
	if _, err := a.ChainAudit(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
}

func (a *auditStage) day() {
	a.t.Helper()
	if err := a.CloseAuditDayForTest(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
	a.now.Add((24 * time.Hour).Milliseconds())
}

func (a *auditStage) verify(known string) store.AuditReport {
	a.t.Helper()
	r, err := a.VerifyAudit(a.t.Context(), known)
	if err != nil {
		a.t.Fatal(err)
	}
	return r
}

func (a *auditStage) do(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// Whoever changes the trail afterwards is found out, and the first record that is wrong is named.
func TestTheAuditTrailShowsWhatWasChanged(t *testing.T) {
	const first, all = 512, 1300 // records of the first segment, and of the chain
	for name, c := range map[string]struct {
		tamper func(a *auditStage)
		chain  int
		seq    uint64
		why    string
	}{
		"an octet of a segment is flipped": {func(a *auditStage) {
			b := []byte(a.rdb.HGet(a.t.Context(), store.PackedKey(7), "2").Val())
			b[len(b)/2] ^= 1
			a.do(a.rdb.HSet(a.t.Context(), store.PackedKey(7), "2", b).Err())
		}, 7, first + 1, "does not open"},
		"a segment is removed": {func(a *auditStage) { a.do(a.rdb.HDel(a.t.Context(), store.PackedKey(7), "2").Err()) }, 7, first + 1, "missing"},
		"a segment takes another's place": {func(a *auditStage) {
			a.do(a.rdb.HSet(a.t.Context(), store.PackedKey(7), "2", a.rdb.HGet(a.t.Context(), store.PackedKey(7), "1").Val()).Err())
		}, 7, first + 1, "does not open"},
		"one who has the line's key changes a record": {func(a *auditStage) {
			a.do(a.RepackForTest(a.t.Context(), 7, 2, false, func(s []string) []string {
				s[99] = strings.Replace(s[99], "k7f3q9z1x2c4", "another-key1", 1)
				return s
			}))
		}, 7, first + 100, "not as it was written"},
		"who removes one": {func(a *auditStage) {
			a.do(a.RepackForTest(a.t.Context(), 7, 2, false, func(s []string) []string { return slices.Delete(s, 40, 41) }))
		}, 7, first + 43, "not as it was written"}, // 40 and 41 tell the same of the same ticket
		"who changes the order": {func(a *auditStage) {
			a.do(a.RepackForTest(a.t.Context(), 7, 1, false, func(s []string) []string { s[10], s[20] = s[20], s[10]; return s }))
		}, 7, 11, "not as it was written"},
		"who makes the hashes fit again": {func(a *auditStage) {
			a.do(a.RepackForTest(a.t.Context(), 7, 3, true, func(s []string) []string { s[0] = strings.Replace(s[0], "10.0.0.7", "10.0.0.8", 1); return s }))
		}, 7, all, "the line's daily record"},
		"who cuts the end off, and makes the head fit": {func(a *auditStage) {
			a.do(a.RepackForTest(a.t.Context(), 7, 3, true, func(s []string) []string { return s[:10] }))
		}, 7, 2*512 + 11, "the end of the chain was cut off"},
		"the end is cut off without the head": {func(a *auditStage) { a.do(a.rdb.HDel(a.t.Context(), store.PackedKey(7), "3").Err()) }, 7, 2*512 + 1, "missing"},
		"the head is removed":                 {func(a *auditStage) { a.do(a.rdb.Del(a.t.Context(), store.HeadKey(7)).Err()) }, 7, 1, "head is missing"},
		"the whole chain is removed": {func(a *auditStage) {
			a.do(a.rdb.Del(a.t.Context(), store.HeadKey(7), store.PackedKey(7)).Err())
		}, 7, 1, "the end of the chain was cut off"},
		"the head of another chain": {func(a *auditStage) {
			a.do(a.rdb.HSet(a.t.Context(), store.HeadKey(7), "h", a.rdb.HGet(a.t.Context(), store.HeadKey(8), "h").Val()).Err())
		}, 7, 1, "its head was changed"},
		"the line's own chain is cut off": {func(a *auditStage) {
			a.do(a.rdb.Del(a.t.Context(), store.HeadKey(store.LineChain), store.PackedKey(store.LineChain)).Err())
		}, store.LineChain, 1, "the head that was noted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuditStage(t)
			a.write(7, all)
			a.write(8, 3)
			a.chain()
			a.day()
			noted := a.verify("")
			if len(noted.Broken) != 0 || noted.Records != all+3+1 || noted.Days != 1 || noted.Head == "" {
				t.Fatalf("before: %+v", noted)
			}
			c.tamper(a)
			r := a.verify(noted.Head)
			if len(r.Broken) == 0 || r.Broken[0].Chain != c.chain || r.Broken[0].Seq != c.seq || !strings.Contains(r.Broken[0].Why, c.why) {
				t.Errorf("found %+v, want record %d of chain %d: %s", r.Broken, c.seq, c.chain, c.why)
			}
			if len(r.Broken) > 1 && c.chain != store.LineChain {
				t.Errorf("more than one chain is said to be broken: %+v", r.Broken)
			}
		})
	}
}

// Daemons that chain at the same moment, while it is written, lose nothing and chain nothing twice.
func TestTheTrailIsChainedOnceByManyDaemons(t *testing.T) {
	r := storetest.Start(t, storetest.Options{})
	o := storetest.Config(t, r)
	first, second := storetest.OpenWith(t, o), storetest.OpenWith(t, o)
	ctx, stop := context.WithCancel(t.Context())
	var chaining, writing sync.WaitGroup
	for _, s := range []*store.Store{first, second} {
		chaining.Go(func() {
			for ctx.Err() == nil {
				if _, err := s.ChainAudit(ctx); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	const each = 700
	for n := range 4 {
		writing.Go(func() {
			for i := range each {
				if err := first.Audit(t.Context(), 3+n%2, store.Audit{KeyID: fmt.Sprint("k", n), Action: "status", Ticket: uint64(10001 + i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	stop()
	chaining.Wait()
	if _, err := second.ChainAudit(t.Context()); err != nil {
		t.Fatal(err)
	}
	report, err := first.VerifyAudit(t.Context(), "")
	if err != nil || len(report.Broken) != 0 || report.Records != 4*each || report.Waiting != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	seen := map[string]int{}
	for cursor := ""; ; {
		page, next, err := second.AuditTrail(t.Context(), store.AuditQuery{Cursor: cursor, Limit: 333})
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range page {
			seen[fmt.Sprint(rec.KeyID, rec.Ticket)]++
		}
		if cursor = next; next == "" {
			break
		}
	}
	for what, n := range seen {
		if n != 1 {
			t.Errorf("%s stands %d times", what, n)
		}
	}
	if len(seen) != 4*each {
		t.Errorf("%d records, want %d", len(seen), 4*each)
	}
}

func TestTheTrailIsAskedByTicketKeyAndTime(t *testing.T) {
	a := newAuditStage(t)
	ctx := t.Context()
	a.do(a.Audit(ctx, 7, store.Audit{KeyID: "ka", Action: store.AuditReveal, Ticket: 10001, From: "10.0.0.1"}, store.Audit{KeyID: "kb", Action: store.AuditStatus, Ticket: 10001, Ref: "closed"}))
	a.do(a.Audit(ctx, 8, store.Audit{KeyID: "ka", Action: store.AuditReveal, Ticket: 10001}))
	a.chain()
	between := time.Now().Add(2 * time.Millisecond).Truncate(time.Millisecond) // Redis's clock is this machine's, and counts them
	for time.Now().Before(between) {
		runtime.Gosched()
	}
	a.do(a.Audit(ctx, 7, store.Audit{KeyID: "ka", Action: "sms.sent", Ticket: 10002, Ref: "x\ty\nz"}))
	for name, c := range map[string]struct {
		q    store.AuditQuery
		want string
	}{
		"all":                  {store.AuditQuery{}, "sms.sent reveal status reveal"},
		"a ticket of a shard":  {store.AuditQuery{Shard: 7, Ticket: 10001}, "status reveal"},
		"a key":                {store.AuditQuery{Keys: map[string]bool{"ka": true}}, "sms.sent reveal reveal"},
		"a family of actions":  {store.AuditQuery{Action: "sms"}, "sms.sent"},
		"since":                {store.AuditQuery{Since: between}, "sms.sent"},
		"until":                {store.AuditQuery{Until: between, Keys: map[string]bool{"kb": true}}, "status"},
		"nobody":               {store.AuditQuery{Keys: map[string]bool{"kc": true}}, ""},
		"what was never there": {store.AuditQuery{Shard: 9, Ticket: 10001}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			page, _, err := a.AuditTrail(ctx, c.q)
			var got []string
			for _, r := range page {
				got = append(got, r.Action)
			}
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("%q, want %q (%v)", got, c.want, err)
			}
		})
	}
	if _, _, err := a.AuditTrail(ctx, store.AuditQuery{Cursor: "%%"}); err == nil {
		t.Error("a cursor that is none is taken")
	}
}

// What a segment gives back is what was packed, whatever it was: also what is no record of ours.
func TestASegmentGivesBackWhatWasPacked(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		word := rapid.StringN(0, 12, 40)
		var want []string
		for range rapid.IntRange(0, 60).Draw(rt, "records") {
			if rapid.IntRange(0, 9).Draw(rt, "odd") == 0 {
				want = append(want, word.Draw(rt, "text"))
				continue
			}
			want = append(want, store.EncodeAuditForTest(store.Audit{
				KeyID: word.Draw(rt, "key"), Action: word.Draw(rt, "action"), Ticket: rapid.Uint64().Draw(rt, "ticket"), From: word.Draw(rt, "from"), Ref: word.Draw(rt, "ref"),
			}))
		}
		got, err := store.RoundTripForTest(want)
		if err != nil || !slices.Equal(got, want) {
			rt.Fatalf("%v: %q, want %q", err, got, want)
		}
	})
}

func FuzzSegment(f *testing.F) {
	f.Add(store.SegmentForTest("\tstatus\t10001\t10.0.0.1\tverified\t"))
	f.Fuzz(func(_ *testing.T, b []byte) { _ = store.DecodeSegmentForTest(b) }) // never panics, never fills the memory
}

// How much a ticket's records take once they are packed: four by staff, and three SMS that were sent and delivered.
func TestAPackedTrailIsSmall(t *testing.T) {
	a := newAuditStage(t)
	const tickets = 512
	keys := []string{"k7f3q9z1x2c4", "p0o9i8u7y6t5", "m1n2b3v4c5x6"}
	for i := range tickets {
		n := uint64(10001 + i)
		key := keys[i%3]
		var all []store.Audit
		for k, status := range []string{"verified", "forwarded", "in_progress", "resolved"} {
			all = append(all, store.Audit{KeyID: key, Action: store.AuditStatus, Ticket: n, From: fmt.Sprint("10.0.0.", i%20), Ref: status})
			if k > 0 {
				id := a.NewID(7)
				all = append(all, store.Audit{Action: store.AuditSent, Ticket: n, Ref: id[22:26] + id[10:26]}, store.Audit{Action: store.AuditDelivered, Ticket: n, Ref: id[22:26]})
			}
		}
		a.do(a.Audit(t.Context(), 7, all...))
	}
	a.chain()
	r := a.verify("")
	each := float64(r.Octets) / tickets
	t.Logf("%d records of %d tickets take %d octets: %.1f a record, %.0f a ticket, %.0f MB for 719,245 tickets",
		r.Records, tickets, r.Octets, float64(r.Octets)/float64(r.Records), each, each*719_245/1e6)
	if r.Records != 10*tickets || each > 160 {
		t.Errorf("%+v", r)
	}
}
