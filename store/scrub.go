package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// After an erasure the files of each server still hold what was: the append-only file until it is rewritten, a snapshot
// until the next, the slow log until it is cleared. A shard's scrub key stands from the erasure's own commit until all of
// that was done, so that a crash in between forgets nothing.

const (
	scrubEvery  = time.Minute // between two looks for erasures that wait
	scrubWithin = time.Hour   // a rewrite of a large store
	scrubPoll   = 100 * time.Millisecond
)

func scrubKey(shard int) string { return tag(shard) + "scrub" }

// waitingScrubs gives the scrub keys that stand, with their values.
func (s *Store) waitingScrubs(ctx context.Context) (map[string]string, error) {
	pipe := s.rdb.Pipeline()
	cmds := make([]*redis.StringCmd, Shards)
	for shard := range cmds {
		cmds[shard] = pipe.Get(ctx, scrubKey(shard))
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	waiting := map[string]string{}
	for shard, cmd := range cmds {
		v, err := cmd.Result()
		switch {
		case err == nil:
			waiting[scrubKey(shard)] = v
		case !errors.Is(err, redis.Nil):
			return nil, fmt.Errorf("look for erasures: %w", err)
		}
	}
	return waiting, nil
}

// Scrub rewrites the files of every server, replicas too, and waits until that is done, so that nothing of the citizens
// erased so far stands in them. tell is told of each step; nil: nobody listens.
func (s *Store) Scrub(ctx context.Context, tell func(step string)) error {
	if tell == nil {
		tell = func(string) {}
	}
	if s.embedded != nil {
		tell("the store is in memory: nothing is on disk")
		return nil
	}
	waiting, err := s.waitingScrubs(ctx)
	if err != nil {
		return err
	}
	err = s.onServers(ctx, func(ctx context.Context, name string, c *redis.Client) error { return scrubServer(ctx, name, c, tell) })
	if err != nil {
		return err
	}
	for key, was := range waiting { // an erasure that came meanwhile waits for the next time
		now, err := s.rdb.Get(ctx, key).Result()
		if err == nil && now == was {
			err = s.rdb.Del(ctx, key).Err()
		}
		if err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("note that the files were rewritten: %w", err)
		}
	}
	return nil
}

// onServers calls f for each server that has the data, one after another: masters and replicas.
func (s *Store) onServers(ctx context.Context, f func(ctx context.Context, name string, c *redis.Client) error) error {
	switch rdb := s.rdb.(type) {
	case *redis.ClusterClient:
		nodes := make(chan *redis.Client, 1000)
		if err := rdb.ForEachShard(ctx, func(_ context.Context, c *redis.Client) error { nodes <- c; return nil }); err != nil {
			return err
		}
		close(nodes)
		for c := range nodes {
			if err := f(ctx, c.Options().Addr, c); err != nil {
				return err
			}
		}
		return nil
	case *redis.Client:
		if err := f(ctx, describe(s.opt), rdb); err != nil {
			return err
		}
		replicas, err := s.replicas(ctx, rdb)
		if err != nil {
			return err
		}
		for _, addr := range replicas {
			o := s.opt
			o.Addresses, o.SentinelMaster, o.Cluster = []string{addr}, "", false
			rdb, _ := newClient(o, nil)
			c, ok := rdb.(*redis.Client)
			if !ok {
				return fmt.Errorf("replica %s: no client for one server", addr)
			}
			err := f(ctx, addr, c)
			if err = errors.Join(err, c.Close()); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("store: no server behind a %T", s.rdb)
}

// replicas are the addresses of those that follow the server now.
func (s *Store) replicas(ctx context.Context, c *redis.Client) ([]string, error) {
	info, err := c.Info(ctx, "replication").Result()
	if err != nil {
		return nil, fmt.Errorf("read its replicas (INFO): %w", err)
	}
	var all []string
	for name, v := range infoFields(info) { // slave0:ip=127.0.0.1,port=7001,state=online,…
		if !strings.HasPrefix(name, "slave") {
			continue
		}
		var ip, port string
		for part := range strings.SplitSeq(v, ",") {
			if x, ok := strings.CutPrefix(part, "ip="); ok {
				ip = x
			} else if x, ok := strings.CutPrefix(part, "port="); ok {
				port = x
			}
		}
		if ip != "" && port != "" {
			all = append(all, ip+":"+port)
		}
	}
	slices.Sort(all)
	return all, nil
}

// scrubServer rewrites one server's append-only file, and its snapshot where it makes any, and clears its slow log.
func scrubServer(ctx context.Context, name string, c *redis.Client, tell func(string)) error {
	if err := c.Do(ctx, "SLOWLOG", "RESET").Err(); err != nil {
		return fmt.Errorf("%s: clear its slow log (SLOWLOG RESET): %w", name, err)
	}
	saves, err := c.ConfigGet(ctx, "save").Result()
	if err != nil {
		return fmt.Errorf("%s: read its settings (CONFIG GET): %w", name, err)
	}
	appendonly, err := c.ConfigGet(ctx, "appendonly").Result()
	if err != nil {
		return fmt.Errorf("%s: read its settings (CONFIG GET): %w", name, err)
	}
	if appendonly["appendonly"] == "yes" {
		tell(name + ": the append-only file is rewritten")
		if err := background(ctx, c, "BGREWRITEAOF", "aof_rewrite_in_progress", "aof_rewrite_scheduled", "aof_last_bgrewrite_status"); err != nil {
			return fmt.Errorf("%s: rewrite its append-only file: %w", name, err)
		}
	}
	if saves["save"] != "" {
		tell(name + ": the snapshot is written anew")
		if err := background(ctx, c, "BGSAVE", "rdb_bgsave_in_progress", "rdb_bgsave_in_progress", "rdb_last_bgsave_status"); err != nil {
			return fmt.Errorf("%s: write its snapshot: %w", name, err)
		}
	}
	return nil
}

// background starts what a server does in a child of its own, and waits for its end. One that runs already began too
// early: it is waited for, and then ours begins.
func background(ctx context.Context, c *redis.Client, command, running, scheduled, status string) error {
	started := false
	tick := time.NewTicker(scrubPoll)
	defer tick.Stop()
	for {
		text, err := c.Info(ctx, "persistence").Result()
		if err != nil {
			return err
		}
		info := infoFields(text)
		idle := info["aof_rewrite_in_progress"] != "1" && info["rdb_bgsave_in_progress"] != "1" && info[scheduled] != "1" && info[running] != "1"
		switch {
		case idle && started && info[status] != "ok":
			return fmt.Errorf("%s ended with %q; is the disk full?", command, info[status])
		case idle && started:
			return nil
		case idle:
			if err := c.Do(ctx, command).Err(); err != nil {
				return err
			}
			started = true
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// scrubs does what erasures left to do, until ctx ends.
func (s *Store) scrubs(ctx context.Context) {
	tick := time.NewTicker(scrubEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if ok, _ := s.Health(); !ok {
			continue
		}
		call, cancel := context.WithTimeout(ctx, scrubWithin)
		waiting, err := s.waitingScrubs(call)
		if err == nil && len(waiting) > 0 {
			err = s.Scrub(call, nil)
		}
		cancel()
		if err != nil && ctx.Err() == nil {
			s.opt.Log.Warn("the files of the store are not rewritten yet; until then they hold the key of an erased citizen", zap.Error(err))
		}
	}
}
