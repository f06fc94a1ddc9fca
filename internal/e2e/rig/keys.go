package rig

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// dump is all that stands in Redis, by key.
type dump struct {
	hash    map[string]map[string]string
	list    map[string][]string
	zset    map[string]map[string]float64
	set     map[string]map[string]bool
	str     map[string]string
	streams map[string][]redis.XMessage
}

// read scans all keys.
func read(ctx context.Context, c redis.UniversalClient) (*dump, error) {
	d := &dump{
		hash: map[string]map[string]string{}, list: map[string][]string{}, zset: map[string]map[string]float64{},
		set: map[string]map[string]bool{}, str: map[string]string{}, streams: map[string][]redis.XMessage{},
	}
	return d, masters(ctx, c, func(node *redis.Client) error { return d.scan(ctx, node) })
}

func (d *dump) scan(ctx context.Context, c *redis.Client) error {
	for cursor := uint64(0); ; {
		keys, next, err := c.Scan(ctx, cursor, "*", 1000).Result()
		if err != nil {
			return fmt.Errorf("scan: %w", err)
		}
		if err := d.take(ctx, c, keys); err != nil {
			return err
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

func (d *dump) take(ctx context.Context, c *redis.Client, keys []string) error {
	pipe := c.Pipeline()
	types := make([]*redis.StatusCmd, len(keys))
	for i, k := range keys {
		types[i] = pipe.Type(ctx, k)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("types: %w", err)
	}
	pipe = c.Pipeline()
	var fill []func()
	for i, k := range keys {
		switch types[i].Val() {
		case "hash":
			r := pipe.HGetAll(ctx, k)
			fill = append(fill, func() { d.hash[k] = r.Val() })
		case "list":
			r := pipe.LRange(ctx, k, 0, -1)
			fill = append(fill, func() { d.list[k] = r.Val() })
		case "zset":
			r := pipe.ZRangeWithScores(ctx, k, 0, -1)
			fill = append(fill, func() {
				d.zset[k] = map[string]float64{}
				for _, z := range r.Val() {
					d.zset[k][z.Member.(string)] = z.Score
				}
			})
		case "set":
			r := pipe.SMembers(ctx, k)
			fill = append(fill, func() {
				d.set[k] = map[string]bool{}
				for _, m := range r.Val() {
					d.set[k][m] = true
				}
			})
		case "string":
			r := pipe.Get(ctx, k)
			fill = append(fill, func() { d.str[k] = r.Val() })
		case "stream":
			r := pipe.XRange(ctx, k, "-", "+")
			fill = append(fill, func() { d.streams[k] = r.Val() })
		}
	}
	if len(fill) == 0 {
		return nil
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("values: %w", err)
	}
	for _, f := range fill {
		f()
	}
	return nil
}

// name splits a key into its shard's tag, "{07}:", its kind and the rest.
func name(key string) (tag, kind, rest string) {
	end := strings.Index(key, "}:")
	if end < 0 || !strings.HasPrefix(key, "{") {
		return "", "", key
	}
	kind, rest, _ = strings.Cut(key[end+2:], ":")
	return key[:end+2], kind, rest
}

// halfSMS finds SMS without a next try, and entries that lead nowhere (promises 2 and 5).
func (d *dump) halfSMS() []string {
	var bad []string
	say := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	place := map[string]int{} // tag+id → its place in its citizen's queue
	for key, ids := range d.list {
		tag, kind, hash := name(key)
		if kind != "out" {
			continue
		}
		for i, id := range ids {
			if _, twice := place[tag+id]; twice {
				say("%s: SMS %s stands twice in a queue", key, id)
			}
			place[tag+id] = i
			if m := d.hash[tag+"m:"+id]; m["st"] != "queued" || m["c"] != hash {
				say("%s: SMS %s is %q, of citizen %q", key, id, m["st"], m["c"])
			}
		}
	}
	for key, m := range d.hash {
		tag, kind, id := name(key)
		if kind != "m" {
			continue
		}
		if d.hash[tag+"c:"+m["c"]] == nil {
			say("%s: its citizen is missing", key)
		}
		_, waits := d.zset[tag+"q"][id]
		_, due := d.zset[tag+"due"]["s"+id]
		held := m["hb"] != "" && d.set[tag+"held:"+m["hb"]][id]
		at, queued := place[tag+id]
		if m["st"] != "queued" {
			if waits || due || queued || m["hb"] != "" {
				say("%s is %s, but waits still: counted %v, due %v, in a queue %v, held by %q", key, m["st"], waits, due, queued, m["hb"])
			}
			continue
		}
		if !waits {
			say("%s is queued, but not counted as such", key)
		}
		if m["hb"] != "" && !held {
			say("%s says that boot %s holds it, which it does not", key, m["hb"])
		}
		if first := queued && at == 0; (first || !queued) && !due && !held {
			say("%s is queued, first %v, and nothing will ever send it", key, first)
		}
	}
	for key, ids := range d.set {
		if tag, kind, boot := name(key); kind == "held" {
			for id := range ids {
				if d.hash[tag+"m:"+id]["hb"] != boot {
					say("%s: SMS %s does not know it", key, id)
				}
			}
		}
	}
	for key, waiting := range d.zset {
		if tag, kind, _ := name(key); kind == "q" {
			for id := range waiting {
				if d.hash[tag+"m:"+id]["st"] != "queued" {
					say("%s: SMS %s is %q", key, id, d.hash[tag+"m:"+id]["st"])
				}
			}
		}
	}
	return bad
}

// halfDue finds due entries that lead nowhere, and what should be due and is not.
func (d *dump) halfDue() []string {
	var bad []string
	say := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	for key, due := range d.zset {
		tag, kind, _ := name(key)
		if kind != "due" {
			continue
		}
		for member := range due {
			sort, rest := member[:1], member[1:]
			there := false
			switch sort {
			case "s":
				there = d.hash[tag+"m:"+rest]["st"] == "queued"
			case "q":
				there = d.hash[tag+"c:"+rest] != nil
			case "g":
				there = d.hash[tag+"g:"+rest] != nil
			case "h":
				there = len(d.list[tag+"h:"+rest]) > 0
			}
			if !there {
				say("%s: %q leads nowhere", key, member)
			}
		}
	}
	for key := range d.list {
		if tag, kind, subject := name(key); kind == "h" {
			if _, ok := d.zset[tag+"due"]["h"+subject]; !ok {
				say("%s: its events are never handed on", key)
			}
		}
	}
	for key, g := range d.hash {
		if tag, kind, rest := name(key); kind == "g" && g["j"] != "1" {
			if _, ok := d.zset[tag+"due"]["g"+rest]; !ok {
				say("%s: its parts are never joined", key)
			}
		}
	}
	for key, m := range d.hash {
		if tag, kind, _ := name(key); kind == "k" {
			for id := range strings.SplitSeq(m["sm"], ",") {
				if id != "" && d.hash[tag+"m:"+id] == nil {
					say("%s: the mark names SMS %s, which is missing", key, id)
				}
			}
		}
	}
	for key, at := range d.str {
		if tag, kind, _ := name(key); kind == "r" {
			if id, _, _ := strings.Cut(at, " "); d.hash[tag+"m:"+id] == nil {
				say("%s: the receipt index names SMS %s, which is missing", key, id)
			}
		}
	}
	return bad
}
