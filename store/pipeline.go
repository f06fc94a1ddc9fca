package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	slotsWithin = 500 * time.Millisecond // until the slots of a cluster are known anew
	slotsPoll   = 10 * time.Millisecond
)

// send runs jobs as one pipeline, heals what can be healed, and answers each.
func (c *committers) send(client *redis.Client, jobs []*job, round int) {
	c.met.batch.Observe(float64(len(jobs)))
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	cmds, replicated := c.pipeline(ctx, client, jobs, round > 0)
	var forgotten []*job
	var lost error
	moved := map[string][]*job{} // address → what belongs there
	for i, j := range jobs {
		val, err := cmds[i].Result()
		switch {
		case err == nil || errors.Is(err, redis.Nil):
			j.val = val
			if j.script.writes {
				j.err = replicated
			}
		case redis.HasErrorPrefix(err, "NOSCRIPT") && round < redirectsMax:
			forgotten = append(forgotten, j)
			continue
		case redis.HasErrorPrefix(err, "MOVED") && round < redirectsMax:
			addr := lastWord(err)
			moved[addr] = append(moved[addr], j)
			continue
		default: // ASK among them: see keysOf
			j.err = judge(err)
			lost = err
		}
		close(j.done)
	}
	if lost != nil && elsewhere(lost) || replicated != nil {
		c.learn()
	}
	if len(forgotten) > 0 {
		c.send(client, forgotten, round+1)
	}
	if len(moved) > 0 {
		c.follow(ctx, moved, round+1)
	}
}

// pipeline sends jobs, each behind its script where the server has forgotten them, and one WAIT behind them where
// replicas are asked for: on the same connection, so that it counts what was written before it.
func (c *committers) pipeline(ctx context.Context, client *redis.Client, jobs []*job, load bool) ([]*redis.Cmd, error) {
	pipe := client.Pipeline()
	cmds := make([]*redis.Cmd, len(jobs))
	writes := false
	for i, j := range jobs {
		if load {
			pipe.ScriptLoad(ctx, j.script.text)
		}
		cmds[i] = pipe.EvalSha(ctx, j.script.sha, c.keysOf(j), j.args...)
		writes = writes || j.script.writes
	}
	var wait *redis.Cmd
	disk := c.onDisk.Load()
	if c.replicas > 0 && writes {
		wait = c.await(ctx, pipe, disk)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	if wait == nil {
		return cmds, nil
	}
	return cmds, c.awaited(wait, disk)
}

// await asks how many replicas have what was written before it on this connection: WAITAOF, on their disks.
func (c *committers) await(ctx context.Context, pipe redis.Pipeliner, disk bool) *redis.Cmd {
	if disk {
		return pipe.Do(ctx, "WAITAOF", 1, c.replicas, c.wait.Milliseconds())
	}
	return pipe.Do(ctx, "WAIT", c.replicas, c.wait.Milliseconds())
}

// awaited reads the answer; nil: enough of them have it. Else it may be lost with this server, although it stands there.
func (c *committers) awaited(wait *redis.Cmd, disk bool) error {
	have, local := int64(-1), int64(1)
	var err error
	if disk {
		var counts []int64 // the server itself, replicas
		if counts, err = wait.Int64Slice(); len(counts) == 2 {
			local, have = counts[0], counts[1]
		}
	} else {
		have, err = wait.Int64()
	}
	switch {
	case err != nil && disk && unknownCommand(err): // a server that is older than the one looked at
		c.onDisk.Store(false)
		return unknown(err)
	case err != nil:
		return unknown(err)
	case local < 1, have < int64(c.replicas):
		c.met.lacking.Inc()
		return unknown(fmt.Errorf("%d of %d replicas answered within %s; it stands here, and may be lost with this server", max(have, 0), c.replicas, c.wait))
	}
	return nil
}

func unknownCommand(err error) bool {
	return redis.HasErrorPrefix(err, "ERR unknown command") || strings.Contains(err.Error(), "unknown command")
}

// keysOf is a job's keys. In a cluster one key follows that never exists: while a slot moves, it is missing on the side
// that gives the slot away, and on the side that takes it, and so the script is refused on both (TRYAGAIN, ASK) before it
// runs. Without it a script that learns some of its keys by reading could find one of them gone after its first write, or
// take what has not come over yet for missing. What only reads needs none. lib.lua takes it out of KEYS again.
func (c *committers) keysOf(j *job) []string {
	if !c.guard || !j.script.writes {
		return j.keys
	}
	first := j.keys[0]
	return append(slices.Clip(j.keys), first[:strings.IndexByte(first, '}')+1]+":never")
}

// alone runs one script now, beside what travels in batches, on a connection that waits for nobody else. Where it writes,
// its answer counts once the replicas have it.
func (c *committers) alone(ctx context.Context, sc *script, keys []string, args ...any) (any, error) {
	j := &job{script: sc, keys: keys, args: args}
	for round := range redirectsMax {
		client, err := c.server(ctx, keys[0])
		if err != nil {
			c.learn()
			return nil, notKept(err)
		}
		cmds, replicated := c.pipeline(ctx, client, []*job{j}, round > 0)
		reply, err := cmds[0].Result()
		switch {
		case err == nil || errors.Is(err, redis.Nil):
			if sc.writes && replicated != nil {
				c.learn()
				return nil, replicated
			}
			return reply, nil
		case redis.HasErrorPrefix(err, "NOSCRIPT") && round+1 < redirectsMax:
			continue
		case redis.HasErrorPrefix(err, "MOVED") && round+1 < redirectsMax:
			c.learn()
			c.relocated(ctx, keys[0], lastWord(err))
			continue
		}
		if elsewhere(err) {
			c.learn()
		}
		return nil, judge(err)
	}
	return nil, notKept(errors.New("the server forgets its scripts again and again"))
}

// follow sends what moved to where it is now.
func (c *committers) follow(ctx context.Context, moved map[string][]*job, round int) {
	c.learn()
	for addr, jobs := range moved {
		var client *redis.Client
		if _, ok := c.rdb.(*redis.ClusterClient); !ok {
			fail(jobs, notKept(errors.New("the server is part of a cluster; set store.cluster")))
			continue
		}
		if client = c.node(ctx, addr); client == nil {
			client = c.relocated(ctx, jobs[0].keys[0], addr)
		}
		if client == nil {
			fail(jobs, notKept(fmt.Errorf("a slot moved to %s, which is not known yet", addr)))
			continue
		}
		c.send(client, jobs, round)
	}
}

// node is the client of an address that the cluster is known to have; nil: it is not.
func (c *committers) node(ctx context.Context, addr string) *redis.Client {
	cluster, ok := c.rdb.(*redis.ClusterClient)
	if !ok {
		return nil
	}
	found := make(chan *redis.Client, 1)
	look := func(_ context.Context, client *redis.Client) error {
		if client.Options().Addr == addr {
			select {
			case found <- client:
			default:
			}
		}
		return nil
	}
	_, _ = cluster.ForEachMaster(ctx, look), cluster.ForEachSlave(ctx, look)
	select {
	case client := <-found:
		return client
	default:
		return nil
	}
}

// relocated waits for a moment until a key's slot is known to be at addr.
func (c *committers) relocated(ctx context.Context, key, addr string) *redis.Client {
	ctx, cancel := context.WithTimeout(ctx, slotsWithin)
	defer cancel()
	for {
		if client, err := c.server(ctx, key); err == nil && client.Options().Addr == addr {
			return client
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(slotsPoll):
		}
	}
}

// learn has the slots read again (a dead master is dialled for ever otherwise), and the server looked at.
func (c *committers) learn() {
	if cluster, ok := c.rdb.(*redis.ClusterClient); ok {
		cluster.ReloadState(context.Background())
	}
	c.lacking()
}

// elsewhere tells whether an error may mean that the data is on another server by now.
func elsewhere(err error) bool {
	if _, answered := errors.AsType[redis.Error](err); !answered {
		return !errors.Is(err, context.Canceled)
	}
	for _, code := range []string{"MOVED", "ASK", "CLUSTERDOWN", "READONLY", "MASTERDOWN", "LOADING", "TRYAGAIN"} {
		if redis.HasErrorPrefix(err, code) {
			return true
		}
	}
	return false
}

// lastWord is the address in "MOVED slot host:port".
func lastWord(err error) string {
	f := strings.Fields(err.Error())
	if len(f) == 0 {
		return ""
	}
	return f[len(f)-1]
}

// reloading has the slots of a cluster read again when a node cannot be reached: plain reads go past the committers.
type reloading struct{ reload func() }

// DialHook is part of redis.Hook.
func (r reloading) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		if err != nil && ctx.Err() == nil {
			r.reload()
		}
		return conn, err
	}
}

// ProcessHook is part of redis.Hook.
func (r reloading) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err != nil && !errors.Is(err, redis.Nil) && elsewhere(err) {
			r.reload()
		}
		return err
	}
}

// ProcessPipelineHook is part of redis.Hook.
func (r reloading) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if err != nil && !errors.Is(err, redis.Nil) && elsewhere(err) {
			r.reload()
		}
		return err
	}
}
