package report_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"aduan/conversation"
	"aduan/internal/msisdn"
	"aduan/internal/report"
	"aduan/store"
	"aduan/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keep writes a ticket into a store.
func keep(t *testing.T, s *store.Store, number string, head conversation.Ticket) {
	t.Helper()
	m, err := msisdn.Parse(number, 0, "ID")
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Assume(m)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := s.TakeSerial(t.Context(), c.ID.Shard)
	if err != nil {
		t.Fatal(err)
	}
	head.Number = conversation.NewNumber(c.ID.Shard, serial)
	data, err := json.Marshal(head)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Commit(t.Context(), &store.Turn{
		Boot: s.BootID(), Now: time.Now(), Citizen: c, State: []byte("{}"),
		Tickets: []store.TicketWrite{{Serial: serial, New: true, Head: data}},
	})
	if err != nil || out.Kind != store.Kept {
		t.Fatalf("%v, %v", out.Kind, err)
	}
}

func digests(t *testing.T, s *store.Store) (all []report.Digest) {
	t.Helper()
	evs, _, err := s.Events(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range evs {
		if ev.Type != report.EventDigest {
			continue
		}
		var d report.Digest
		if err := json.Unmarshal(ev.Data, &d); err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func TestTheDigestIsToldOnceADayByWhoeverComesFirst(t *testing.T) {
	s, _ := storetest.Open(t)
	keep(t, s, "081234567001", conversation.Ticket{FiledAt: noon, Status: conversation.Filed, Limit: conversation.LimitVerify, DueAt: noon.Add(time.Hour), Category: "road"})
	keep(t, s, "081234567002", conversation.Ticket{FiledAt: noon.AddDate(0, 0, 1), Status: conversation.Filed})
	data, err := json.Marshal(map[string]any{"category": "power", "place": "", "count": 30, "usual": 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Announce(t.Context(), "line.surge", noon, data); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	now := noon.AddDate(0, 0, 1)
	schedule := report.Schedule{On: true, At: 13 * time.Hour, Location: jakarta}
	daemon := func() *report.Daily {
		return report.NewDaily(report.DailyOptions{Store: s, Schedule: schedule, Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	}
	once := func(d *report.Daily) bool {
		t.Helper()
		told, err := d.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return told
	}
	first, second := daemon(), daemon()
	if once(first) {
		t.Error("it is told before its time")
	}
	mu.Lock()
	now = now.Add(time.Hour)
	mu.Unlock()
	var wg sync.WaitGroup
	told := make([]bool, 2)
	for i, d := range []*report.Daily{first, second} {
		wg.Go(func() { told[i] = once(d) })
	}
	wg.Wait()
	if told[0] == told[1] {
		t.Errorf("told by both or by none: %v", told)
	}
	if once(daemon()) {
		t.Error("a daemon that starts anew tells it again")
	}
	got := digests(t, s)
	if len(got) != 1 || got[0].Day != "2026-11-22" || got[0].Line.Received != 1 || got[0].Overdue != 1 || len(got[0].Late) != 1 || len(got[0].Surges) != 1 {
		t.Errorf("%+v", got)
	}
	mu.Lock()
	now = now.AddDate(0, 0, 3) // three days without any daemon
	mu.Unlock()
	if !once(daemon()) || once(first) {
		t.Error("of the days without a daemon the last is told, once")
	}
	if got := digests(t, s); len(got) != 2 || got[1].Day != "2026-11-25" {
		t.Errorf("%+v", got)
	}
	first.Use(report.Schedule{})
	mu.Lock()
	now = now.AddDate(0, 0, 3)
	mu.Unlock()
	if once(first) {
		t.Error("it is off, and told")
	}
}
