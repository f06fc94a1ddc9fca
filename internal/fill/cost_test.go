package fill_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"aduan/internal/msisdn"
	"aduan/store"
)

// BenchmarkAFilledStore prints what work costs in an empty and in a filled store, in one run: a commit that files a ticket, a
// page of a list, a scan of all heads. ADUAN_FILL says how many tickets; 719,245 take some minutes.
func BenchmarkAFilledStore(b *testing.B) {
	if os.Getenv("ADUAN_FILL") == "" {
		b.Skip("ADUAN_FILL is not set: how many tickets")
	}
	for b.Loop() { // once: -benchtime 1x
		small, _, _ := filled(b, 1000)
		before := commits(b, small, 1)
		large, r, res := filled(b, size())
		octets, _ := spent(b, r)
		after := commits(b, large, 2)
		b.ReportMetric(float64(octets["t"]+octets["c"])/float64(res.Tickets), "octets/ticket")
		b.ReportMetric(float64(after)/float64(before), "commit-ratio")
		b.ReportMetric(float64(after.Microseconds()), "µs/commit")
		agency := "Dinas Kesehatan Surabaya 1"
		for name, q := range map[string]store.TicketQuery{
			"open":   {Open: true},
			"agency": {Open: true, Agency: &agency},
			"status": {Open: true, Status: []string{"forwarded"}},
			"all":    {},
		} {
			began := time.Now()
			const pages = 20
			for range pages {
				if _, _, err := large.ListTickets(b.Context(), q, "", 50); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((time.Since(began)/pages).Microseconds())/1000, "ms/page-"+name)
		}
		began, n := time.Now(), 0
		if err := large.ScanTickets(b.Context(), store.ScanOptions{}, func(step []store.TicketRecord, _ string) error {
			n += len(step)
			return nil
		}); err != nil || n < res.Tickets {
			b.Fatal(n, err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/scan")
	}
}

// commits is the mean time of a commit that files a ticket with an SMS, one after another.
func commits(b *testing.B, s *store.Store, from int) time.Duration {
	b.Helper()
	const n = 2000
	began := time.Now()
	for i := range n {
		m, err := msisdn.FromE164(fmt.Sprintf("+6281%d%07d", from, i))
		if err != nil {
			b.Fatal(err)
		}
		c, err := s.Assume(m)
		if err != nil {
			b.Fatal(err)
		}
		serial, err := s.TakeSerial(b.Context(), c.ID.Shard)
		if err != nil {
			b.Fatal(err)
		}
		now := time.Now()
		id := s.NewSMSID(c.ID.Shard, serial)
		head := fmt.Appendf(nil, `{"n":1,"s":"filed","f":%q}`, now.UTC().Format(time.RFC3339Nano))
		out, err := s.Commit(b.Context(), &store.Turn{
			Now: now, Citizen: c, State: []byte(`{"v":2}`),
			Tickets: []store.TicketWrite{{
				Serial: serial, New: true, Head: head, Index: &store.TicketIndex{Open: true, Status: "filed", FiledAt: now},
				Entries: []store.Entry{{Field: "x1", Data: head}, {Field: "m1", Data: []byte(id), Plain: true}},
			}},
			SMS: []store.SMS{{ID: id, Text: "Laporan diterima", From: "1708", Link: "main", Ticket: serial, NotBefore: now.Add(time.Hour)}},
		})
		if err != nil || out.Kind != store.Kept {
			b.Fatal(out.Kind, err)
		}
	}
	return time.Since(began) / n
}
