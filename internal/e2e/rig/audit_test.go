package rig

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { Main(m) }

// witness takes down what a judge complains about.
type witness struct {
	testing.TB
	said []string
}

func (w *witness) Helper() {}
func (w *witness) Errorf(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

// TestTheAuditSees spoils one thing after another: an audit that notices nothing proves nothing.
func TestTheAuditSees(t *testing.T) {
	l := NewLine(t, Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	phone := l.SMSC.Phone("6281234567001")
	for range 2 {
		phone.Send(ShortCode, "LAPOR jalan rusak "+Token()+" di depan pasar Minggu")
	}
	if _, err := phone.WaitSMS(ctx, 2); err != nil {
		t.Fatal(err)
	}
	if r := l.Audit(t, 0); r.Acknowledged != 2 || r.Tickets != 2 || r.SMS != 2 {
		t.Fatalf("the audit of a sound line counts: %v", r)
	}
	if code := l.Daemon.Stop(); code != 0 {
		t.Fatalf("SIGTERM ends the daemon with %d", code)
	}
	c := l.Redis.Client()
	for _, row := range []struct {
		what  string
		spoil func(key func(kind string) string)
		want  string
	}{
		{"a ticket that is gone", func(key func(string) string) { c.Del(ctx, key("t")) }, "LOST"},
		{"a text that is gone", func(key func(string) string) { c.HDel(ctx, key("t"), "x1") }, "its head counts 1 texts"},
		{"a bit that flipped", func(key func(string) string) { c.HSet(ctx, key("t"), "h", "100000000{}") }, "checksum"},
		{"a ticket without its owner", func(key func(string) string) { c.Del(ctx, key("c")) }, "its owner is missing"},
		{"an SMS that is gone", func(key func(string) string) { c.Del(ctx, key("m")) }, "is missing"},
		{"an SMS that nothing sends", func(key func(string) string) { c.HSet(ctx, key("m"), "st", "queued") }, "nothing will ever send it"},
		{"an SMS that a dead boot holds", func(key func(string) string) { c.HSet(ctx, key("m"), "st", "queued", "hb", "B") }, "which it does not"},
		{"a queue that names an SMS that arrived", func(key func(string) string) {
			tag, _, id := name(key("m"))
			c.RPush(ctx, tag+"out:x", id)
		}, `is "delivered"`},
		{"a due entry of nothing", func(key func(string) string) {
			tag, _, _ := name(key("m"))
			c.ZAdd(ctx, tag+"due", redis.Z{Score: 1, Member: "snobody"})
		}, "leads nowhere"},
		{"a question that never falls due", func(key func(string) string) {
			tag, _, hash := name(key("c"))
			c.ZRem(ctx, tag+"due", "q"+hash)
		}, "in the due set: false"},
		{"an event that is never handed on", func(key func(string) string) {
			tag, _, _ := name(key("c"))
			c.RPush(ctx, tag+"h:t1", "{}")
		}, "never handed on"},
		{"a ticket that nobody was told of", func(key func(string) string) { c.Del(ctx, key("ev")) }, "0 events complaint.filed"},
		{"parts that nobody joins", func(key func(string) string) { c.HSet(ctx, strings.Replace(key("c"), "c:", "g:", 1)+":x", "j", "2") }, "never joined"},
		{"a number in the log", func(func(string) string) { _, _ = (*logWriter)(l.Daemon).Write([]byte("0" + phone.Number()[2:])) }, "a telephone number stands in the log"},
	} {
		undo := keep(t, ctx, c)
		row.spoil(func(kind string) string {
			for key := range undo {
				if _, k, _ := name(key); k == kind {
					return key
				}
			}
			t.Fatalf("%s: no key of kind %q", row.what, kind)
			return ""
		})
		w := &witness{TB: t}
		j := Judge{T: w, SMSCs: []*SMSC{l.SMSC}, Daemons: []*Daemon{l.Daemon}, Redis: l.Redis, Config: l.Config, Settle: 50 * time.Millisecond}
		j.Audit()
		if said := strings.Join(w.said, "\n"); !strings.Contains(said, row.want) {
			t.Errorf("%s: the audit does not say %q:\n%s", row.what, row.want, said)
		}
		restore(t, ctx, c, undo)
	}
}

// keep dumps every key.
func keep(t *testing.T, ctx context.Context, c *redis.Client) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, k := range c.Keys(ctx, "*").Val() {
		all[k] = c.Dump(ctx, k).Val()
	}
	return all
}

// restore brings back what keep has dumped.
func restore(t *testing.T, ctx context.Context, c *redis.Client, all map[string]string) {
	t.Helper()
	if err := c.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	for k, v := range all {
		if err := c.Restore(ctx, k, 0, v).Err(); err != nil {
			t.Fatal(err)
		}
	}
}
