package store_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"aduan/store"
)

func TestAScanMeetsEveryTicketOnceAndGoesOnFromItsCursor(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		const citizens, each = 7, 90
		for i := range citizens {
			c := b.citizen(i)
			for n := range each {
				turn := b.turn(c)
				turn.Tickets = []store.TicketWrite{{
					Serial: 10001 + 2*uint64(n), New: true, Head: fmt.Appendf(nil, `{"s":"filed","n":%d}`, n), Entries: []store.Entry{{Field: "x1", Data: []byte("teks")}},
				}}
				_, c = b.mustKeep(turn)
			}
			b.rdb.Set(b.ctx, store.SerialKey(c.ID.Shard), strconv.Itoa(10001+2*each+20), 0)
		}
		enough := errors.New("enough")
		for _, whole := range []bool{false, true} {
			seen, cursor := map[string]int{}, ""
			for steps := 0; ; steps++ {
				err := b.ScanTickets(b.ctx, store.ScanOptions{Cursor: cursor, Whole: whole}, func(step []store.TicketRecord, at string) error {
					for _, r := range step {
						seen[fmt.Sprint(r.Shard, r.Serial)]++
						if len(r.Head) == 0 || (string(r.Entries["x1"]) == "teks") != whole {
							t.Errorf("%+v", r)
						}
					}
					if cursor = at; len(step) > 0 {
						return enough
					}
					return nil
				})
				if err == nil {
					break
				}
				if !errors.Is(err, enough) || steps > 10000 {
					t.Fatal(err)
				}
			}
			if len(seen) != citizens*each {
				t.Errorf("whole %v: %d tickets, want %d", whole, len(seen), citizens*each)
			}
			for name, n := range seen {
				if n != 1 {
					t.Errorf("%s: %d times", name, n)
				}
			}
		}
		for _, bad := range []string{"x", "100-10001", "07-1", "-1-10001"} {
			if err := b.ScanTickets(b.ctx, store.ScanOptions{Cursor: bad}, nil); !errors.Is(err, store.ErrCursor) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}
