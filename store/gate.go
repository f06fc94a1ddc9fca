package store

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/redis/go-redis/v9"
)

// gate stands between the store and the wire: while it is shut, nothing that would be answered as kept goes through.
type gate struct {
	keeps map[string]bool // immutable: the scripts whose success means kept, by SHA-1

	mu         sync.Mutex
	reason     string // guarded by mu; "": open
	generation uint64 // guarded by mu: counts the shuttings
}

// newGate is shut until the server has been looked at.
func newGate(keep ...*script) *gate {
	g := &gate{keeps: map[string]bool{}, reason: "the store has not been looked at yet"}
	for _, sc := range keep {
		g.keeps[sc.sha] = true
	}
	return g
}

// shut refuses from now on, and says why.
func (g *gate) shut(reason string) {
	g.mu.Lock()
	g.reason = reason
	g.generation++
	g.mu.Unlock()
}

// at is the generation, for a later open.
func (g *gate) at() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.generation
}

// open lets through again what was shut, but not if it was shut anew since generation: what was looked at then may be
// another server than the one found weaker since. It returns whether it is open.
func (g *gate) open(generation uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.generation != generation {
		return false
	}
	g.reason = ""
	return true
}

// why is the reason for being shut; "": open.
func (g *gate) why() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reason
}

// gateError is the refusal before anything was sent: it counts as an answer, so that nothing has surely been written.
type gateError struct{ reason string }

func (e gateError) Error() string { return e.reason }

// RedisError makes it a redis.Error.
func (e gateError) RedisError() {}

// DialHook is part of redis.Hook.
func (g *gate) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook is part of redis.Hook.
func (g *gate) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !g.keepsBy(cmd) {
			return next(ctx, cmd)
		}
		if reason := g.why(); reason != "" {
			cmd.SetErr(gateError{reason})
			return cmd.Err()
		}
		err := next(ctx, cmd)
		if reason := g.why(); err == nil && reason != "" {
			cmd.SetErr(shutMeanwhile(reason))
			return cmd.Err()
		}
		return err
	}
}

// ProcessPipelineHook is part of redis.Hook. A server found weaker while a commit was on its way may be the one that
// took it: so the gate is looked at before and after.
func (g *gate) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		reason := g.why()
		if reason != "" {
			through := make([]redis.Cmder, 0, len(cmds))
			for _, cmd := range cmds {
				if g.keepsBy(cmd) {
					cmd.SetErr(gateError{reason})
				} else {
					through = append(through, cmd)
				}
			}
			if len(through) == 0 {
				return gateError{reason}
			}
			return next(ctx, through)
		}
		err := next(ctx, cmds)
		if reason = g.why(); reason != "" {
			for _, cmd := range cmds {
				if cmd.Err() == nil && g.keepsBy(cmd) {
					cmd.SetErr(shutMeanwhile(reason))
				}
			}
		}
		return err
	}
}

// shutMeanwhile: it was written, but nobody may call it kept.
func shutMeanwhile(reason string) error {
	return fmt.Errorf("found while it was being written: %s", reason)
}

// keepsBy says whether a command's success would be answered as kept.
func (g *gate) keepsBy(cmd redis.Cmder) bool {
	args := cmd.Args()
	if len(args) < 2 {
		return false
	}
	sha, _ := args[1].(string)
	return g.keeps[sha]
}
