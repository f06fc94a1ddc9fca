package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	committersPerTarget = 2               // measured: 30–40 k scripts/s, where one gives 29–32 k
	batchMax            = 128             // scripts in one pipeline
	laterBeside         = 4               // of those scripts what can wait, beside others that cannot
	laterAlone          = 32              // and where nothing else is to be sent
	batchTimeout        = 5 * time.Second // until a server that does not answer is given up; callers may stop waiting before
	redirectsMax        = 3
)

// job is one script on its way.
type job struct {
	script *script
	keys   []string
	args   []any

	state atomic.Int32 // jobWaiting → jobSent, by a committer; or → jobLeft, by a caller who has gone
	done  chan struct{}
	val   any   // readable when done is closed
	err   error // likewise
}

const (
	jobWaiting int32 = iota
	jobSent
	jobLeft
)

// committers send scripts in pipelines: whatever is ready travels together, and nothing waits for a timer. Two
// pipelines at a time go to each server; a goroutine lives while there is something to send. Receipts can wait: few of
// them go beside a citizen's messages, and they alone never take both pipelines.
type committers struct {
	rdb      redis.UniversalClient
	replicas int           // WAIT for so many, once a pipeline
	wait     time.Duration // at most so long
	guard    bool          // a cluster: see keysOf
	met      *metrics
	lacking  func()      // told that replicas did not answer in time, or that a server could not be reached
	onDisk   atomic.Bool // WAITAOF: replicas must have it on their disks too

	mu      sync.Mutex
	targets map[*redis.Client]*target // guarded by mu; one, or one a master of a cluster
	closed  bool                      // guarded by mu
	running sync.WaitGroup
}

// target is one server and what is to be sent there. All guarded by committers.mu.
type target struct {
	client *redis.Client
	queue  []*job
	later  []*job // what can wait
	active int
	alone  bool // a pipeline of nothing but later ones is under way
}

// take is the next pipeline, and whether nothing in it is in a hurry. None: nothing is left for one more committer.
func (t *target) take() (batch []*job, alone bool) {
	n := min(len(t.queue), batchMax)
	m := min(len(t.later), laterBeside)
	if n == 0 {
		if t.alone {
			return nil, false
		}
		m = min(len(t.later), laterAlone)
	}
	batch = append(append(make([]*job, 0, n+m), t.queue[:n]...), t.later[:m]...)
	t.queue = append(t.queue[:0], t.queue[n:]...)
	t.later = append(t.later[:0], t.later[m:]...)
	return batch, n == 0 && m > 0
}

func newCommitters(rdb redis.UniversalClient, opt Options, met *metrics) *committers {
	return &committers{
		rdb: rdb, replicas: opt.Replicas, wait: opt.Wait, guard: opt.Cluster, met: met, lacking: func() {},
		targets: map[*redis.Client]*target{},
	}
}

// close waits until what is under way has ended. What is asked afterwards is not kept.
func (c *committers) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.running.Wait()
}

// do runs one script and waits for its answer.
func (c *committers) do(ctx context.Context, sc *script, keys []string, args ...any) (any, error) {
	return c.wait1(ctx, c.start(ctx, sc, keys, args))
}

// twice is do, once more where the answer was lost and ctx leaves time for it. After a lost answer no failure of the
// second try tells that nothing was written: the first may stand.
func (c *committers) twice(ctx context.Context, sc *script, keys []string, args ...any) (any, error) {
	reply, lost := c.do(ctx, sc, keys, args...)
	if !errors.Is(lost, ErrUnknown) || ctx.Err() != nil {
		return reply, lost
	}
	reply, err := c.do(ctx, sc, keys, args...)
	if err != nil {
		return nil, fmt.Errorf("%w; tried again: %v", lost, err) //nolint:errorlint // it must not be taken for ErrNotKept
	}
	return reply, nil
}

// start sends a script on its way.
func (c *committers) start(ctx context.Context, sc *script, keys []string, args []any) *job {
	j := &job{script: sc, keys: keys, args: args, done: make(chan struct{})}
	client, err := c.server(ctx, keys[0])
	if err != nil {
		j.err = notKept(err)
		close(j.done)
		return j
	}
	c.enqueue(client, j)
	return j
}

// server is who has the slot of a key.
func (c *committers) server(ctx context.Context, key string) (*redis.Client, error) {
	switch rdb := c.rdb.(type) {
	case *redis.Client:
		return rdb, nil
	case *redis.ClusterClient:
		return rdb.MasterForKey(ctx, key)
	}
	return nil, fmt.Errorf("store: no commits over a %T", c.rdb)
}

func (c *committers) enqueue(client *redis.Client, j *job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		j.err = notKept(redis.ErrClosed)
		close(j.done)
		return
	}
	t := c.targets[client]
	if t == nil {
		t = &target{client: client}
		c.targets[client] = t
	}
	most := committersPerTarget
	if j.script.later {
		t.later = append(t.later, j)
		most = 1
	} else {
		t.queue = append(t.queue, j)
	}
	if t.active < most {
		t.active++
		c.running.Add(1)
		go c.serve(t) // ends when the queue is empty; close waits for it
	}
}

// serve is one committer: pipelines until nothing is left.
func (c *committers) serve(t *target) {
	defer c.running.Done()
	for {
		runtime.Gosched() // who is about to ask for something comes along; where nobody is, this costs nothing
		c.mu.Lock()
		batch, alone := t.take()
		if len(batch) == 0 {
			t.active--
			if t.active == 0 {
				delete(c.targets, t.client)
			}
			c.mu.Unlock()
			return
		}
		t.alone = t.alone || alone
		c.mu.Unlock()

		ready := batch[:0]
		for _, j := range batch {
			if j.state.CompareAndSwap(jobWaiting, jobSent) {
				ready = append(ready, j)
			}
		}
		if len(ready) > 0 {
			c.send(t.client, ready, 0)
		}
		if alone {
			c.mu.Lock()
			t.alone = false
			c.mu.Unlock()
		}
	}
}

// wait1 waits for a job, or until ctx ends: then it is surely not sent, or its outcome is unknown.
func (c *committers) wait1(ctx context.Context, j *job) (any, error) {
	select {
	case <-j.done:
	case <-ctx.Done():
		if j.state.CompareAndSwap(jobWaiting, jobLeft) {
			c.met.failures.WithLabelValues(j.script.name, "not_kept").Inc()
			return nil, notKept(context.Cause(ctx))
		}
		select {
		case <-j.done: // it came at the same moment
		default:
			c.met.failures.WithLabelValues(j.script.name, "unknown").Inc()
			return nil, unknown(context.Cause(ctx))
		}
	}
	if j.err != nil {
		kind := "not_kept"
		if errors.Is(j.err, ErrUnknown) {
			kind = "unknown"
		}
		c.met.failures.WithLabelValues(j.script.name, kind).Inc()
	}
	return j.val, j.err
}

// judge says whether something may have been written: an answer from Redis says that nothing was (each script looks
// before it writes), and so does a connection that never came to be.
func judge(err error) error {
	var op *net.OpError
	var answered redis.Error
	switch {
	case errors.As(err, &answered),
		errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted), errors.Is(err, redis.ErrClosed),
		errors.As(err, &op) && op.Op == "dial",
		strings.HasPrefix(err.Error(), "dial "):
		return notKept(err)
	}
	return unknown(err)
}

func fail(jobs []*job, err error) {
	for _, j := range jobs {
		j.err = err
		close(j.done)
	}
}
