package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// What Open refuses. serve ends with exit code 3.
var (
	// ErrWeaker: the server promises less than store.kept asks for.
	ErrWeaker = errors.New("the store promises less than store.kept asks")
	// ErrOtherKey: the data is sealed with another key.
	ErrOtherKey = errors.New("the store belongs to another key file")
	// ErrSchema: the data was written by a newer version.
	ErrSchema = errors.New("the store was written by a newer version")
)

// settings is what decides when Redis has a commit safe.
type settings struct {
	appendonly bool
	fsync      string // always, everysec, no
	pause      bool   // no-appendfsync-on-rewrite yes: no fsync while the file is rewritten
	policy     string // maxmemory-policy
	replica    bool   // it is one, and takes no writes
	replicas   int    // how many could be promoted
	possible   int    // at most so many can follow it; 0: not known
	following  int    // how many follow it at this moment
	replid     string // the name of its history: another one after a failover
	onDisk     bool   // it can wait for its replicas' disks (WAITAOF), and they are asked to
	broken     string // the last write of the append-only file failed
	halves     bool   // aof-load-truncated yes: two crashes can leave half a transaction, see CutHalfTransaction in redisd
}

// settingNames are asked one by one: Redis 6.2 takes one pattern only.
var settingNames = [...]string{"appendonly", "appendfsync", "no-appendfsync-on-rewrite", "maxmemory-policy", "aof-load-truncated"}

// readSettings asks one server. c may be a connection or a client.
func readSettings(ctx context.Context, c interface {
	Pipelined(context.Context, func(redis.Pipeliner) error) ([]redis.Cmder, error)
},
) (settings, error) {
	var asked [len(settingNames)]*redis.MapStringStringCmd
	var replication, persistence *redis.StringCmd
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range settingNames {
			asked[i] = p.ConfigGet(ctx, name)
		}
		replication, persistence = p.Info(ctx, "replication"), p.Info(ctx, "persistence")
		return nil
	})
	if err != nil {
		return settings{}, fmt.Errorf("read its settings (CONFIG GET, INFO): %w", err)
	}
	value := func(i int) string { return asked[i].Val()[settingNames[i]] }
	s := settings{appendonly: value(0) == "yes", fsync: value(1), pause: value(2) == "yes", policy: value(3)}
	s.halves = s.appendonly && value(4) == "yes"
	info := infoFields(replication.Val() + "\r\n" + persistence.Val())
	s.replica = info["role"] == "slave"
	s.replicas, _ = strconv.Atoi(info["connected_slaves"])
	s.following = strings.Count(replication.Val(), "state=online")
	s.replid = info["master_replid"]
	if info["aof_last_write_status"] == "err" {
		s.broken = "the last write of its append-only file failed; is the disk full?"
	}
	return s, nil
}

// infoFields reads INFO's lines.
func infoFields(info string) map[string]string {
	fields := map[string]string{}
	for line := range strings.SplitSeq(info, "\n") {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

// gives is what the settings amount to: one of the values of Options.Fsync.
func (s settings) gives() string {
	switch {
	case !s.appendonly || s.fsync == "no":
		return FsyncNone
	case s.fsync == "always" && !s.pause:
		return FsyncAlways
	}
	return FsyncEverySec
}

// rank orders promises.
var rank = map[string]int{FsyncNone: 0, FsyncEverySec: 1, FsyncAlways: 2}

// weaker says in which respects the settings fall short of o, each with what to do; nil: they do not.
func (s settings) weaker(o Options) error {
	var short []string
	if s.policy != "" && s.policy != "noeviction" {
		short = append(short, fmt.Sprintf("it may throw data away when its memory is full (maxmemory-policy %s): CONFIG SET maxmemory-policy noeviction, and in redis.conf", s.policy))
	}
	if rank[s.gives()] < rank[o.Fsync] {
		switch {
		case !s.appendonly:
			short = append(short, "it writes no append-only file (appendonly no): CONFIG SET appendonly yes, and in redis.conf")
		case s.fsync == "always" && s.pause:
			short = append(short, "it does not sync while it rewrites its file (no-appendfsync-on-rewrite yes): CONFIG SET no-appendfsync-on-rewrite no, and in redis.conf")
		default:
			short = append(short, fmt.Sprintf("it syncs too seldom (appendfsync %s): CONFIG SET appendfsync %s, and in redis.conf; or ask for less with store.kept.fsync", s.fsync, o.Fsync))
		}
	}
	if s.possible > 0 && s.possible < o.Replicas {
		short = append(short, fmt.Sprintf("store.kept.replicas waits for %d, and there are only %d: add replicas, or set it to %[2]d", o.Replicas, s.possible))
	}
	if s.replicas > o.Replicas && !o.AcceptFailoverLoss {
		short = append(short, fmt.Sprintf("%d of its replicas could be promoted without having what was acknowledged, and store.kept.replicas waits for %d: set it to %[1]d, or accept_failover_loss: true", s.replicas, o.Replicas))
	}
	if len(short) == 0 {
		return nil
	}
	return fmt.Errorf("the store %s: %w: %s", describe(o), ErrWeaker, strings.Join(short, "; "))
}

// promise is what the settings and o give, in one sentence.
func (s settings) promise(o Options) string {
	var b strings.Builder
	switch s.gives() {
	case FsyncAlways:
		b.WriteString("What is acknowledged is on the store's disk: nothing of it is lost with the process or the power")
	case FsyncEverySec:
		b.WriteString("What is acknowledged survives the process, but what was acknowledged in the last seconds is gone after a power loss or when the disk is full (appendfsync everysec)")
	default:
		b.WriteString("A trial: what is acknowledged is in the store's memory only and may be gone when it restarts")
	}
	switch {
	case o.Replicas > 0 && s.onDisk:
		fmt.Fprintf(&b, ", and %s", count(o.Replicas, "has it on its own", "have it on theirs"))
	case o.Replicas > 0:
		fmt.Fprintf(&b, ", and %s", count(o.Replicas, "has it in its memory", "have it in their memory"))
	}
	switch {
	case s.replicas > o.Replicas:
		b.WriteString("; what a replica lacks when it is promoted is lost (accept_failover_loss)")
	case s.possible > 0 && s.replicas > 0: // else nobody knows of those that are down
		b.WriteString("; that is each that can be promoted, so a failover loses nothing of it")
	}
	return b.String() + "."
}

// count is "1 replica has it" or "2 replicas have it".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 replica " + one
	}
	return fmt.Sprintf("%d replicas %s", n, many)
}

const trialPromise = "A trial: everything is in this process's memory, and gone when it ends."
