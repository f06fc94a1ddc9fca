package store

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

func schemaKey() string { return lineTag + "schema" }

// look finds out whether the server may be used: what it promises, whose data it holds, in which form, and whether the
// login may run everything. Only when all is well does the gate open.
func (s *Store) look(ctx context.Context) error {
	s.again.Store(false)
	generation := s.gate.at()
	err := s.examine(ctx)
	switch {
	case err == nil:
		if s.gate.open(generation) {
			s.report(nil)
		}
		return nil
	case errors.Is(err, ErrWeaker), errors.Is(err, ErrOtherKey), errors.Is(err, ErrSchema), hasCode(err, "NOPERM"), errors.As(err, new(permissionError)):
		s.gate.shut(s.words(err))
	}
	s.report(err)
	return err
}

func (s *Store) examine(ctx context.Context) error {
	if err := s.examinePromise(ctx); err != nil {
		return err
	}
	if err := s.examineOwner(ctx, s.rdb); err != nil {
		return err
	}
	if err := onMasters(ctx, s.rdb, func(ctx context.Context, c *redis.Client) error {
		return loadInto(ctx, c, append(slices.Clone(allScripts), scriptSerial, scriptProbe))
	}); err != nil {
		return err
	}
	if err := s.examineLogin(ctx); err != nil {
		return err
	}
	if err := s.grow(ctx); err != nil {
		return err
	}
	return s.serials.align(ctx)
}

// examinePromise reads the settings of the server, of each master of a cluster, and who could be promoted.
func (s *Store) examinePromise(ctx context.Context) error {
	if s.embedded != nil {
		s.setPromise(trialPromise)
		return nil
	}
	known, err := replicasOf(ctx, s.rdb, s.opt)
	if err != nil {
		return err
	}
	s.elected.Store(int64(known.electable))
	if n := s.way.leave(known.addresses); n > 0 {
		s.opt.Log.Warn("the master is another server now", zap.Int("connections", n))
	}
	var mu sync.Mutex // a cluster's masters are asked at once
	var weakest *settings
	err = onMasters(ctx, s.rdb, func(ctx context.Context, c *redis.Client) error {
		found, err := s.settingsOf(ctx, c, known)
		if err != nil {
			return err
		}
		mu.Lock()
		if weakest == nil || rank[found.gives()] < rank[weakest.gives()] || weakest.onDisk && !found.onDisk {
			weakest = &found
		}
		mu.Unlock()
		return s.judge(found)
	})
	if weakest != nil {
		s.lines.onDisk.Store(weakest.onDisk)
		s.promised(weakest.promise(s.opt))
	}
	return err
}

// settingsOf reads one server's settings beside what is known of the replicas.
func (s *Store) settingsOf(ctx context.Context, c *redis.Client, known standing) (settings, error) {
	found, err := readSettings(ctx, c)
	if err != nil {
		return found, err
	}
	if known.told {
		found.replicas, found.possible = known.electable, known.possible
	}
	if found.halves && s.child == nil && !s.cautioned.Swap(true) {
		s.opt.Log.Warn("after a crash in mid-write the server may leave half a transaction: set aof-load-truncated no, and start it after redis-check-aof (docs/operate.md, After a crash of Redis)")
	}
	if s.opt.Replicas > 0 && s.opt.Fsync == FsyncAlways && found.gives() == FsyncAlways && !found.replica {
		found.onDisk, err = waitsForDisk(ctx, c)
	}
	return found, err
}

// promised notes what the store promises; a change while it runs is told.
func (s *Store) promised(p string) {
	if before := s.setPromise(p); before != "" && before != p {
		s.opt.Log.Warn("the store promises something else now", zap.String("before", before), zap.String("promise", p))
	}
}

// judge says what stands against a server with these settings.
func (s *Store) judge(found settings) error {
	if err := found.weaker(s.opt); err != nil {
		return err
	}
	switch {
	case found.replica:
		return errors.New("it is a replica and takes no writes; name its master")
	case found.broken != "":
		return errors.New(found.broken)
	}
	return found.lacks(s.opt)
}

// examineOwner compares the schema's version and the key's check value with ours, and leaves ours where there are none.
func (s *Store) examineOwner(ctx context.Context, c redis.Cmdable) error {
	schema, err := c.Get(ctx, schemaKey()).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("read the schema (GET): %w", err)
	}
	if err := s.checkSchema(schema); err != nil {
		return err
	}
	check, err := c.Get(ctx, checkKey()).Result()
	if errors.Is(err, redis.Nil) {
		// Of two daemons with different keys that start at once, one wins: so it is read again.
		if err = c.SetNX(ctx, checkKey(), s.keys.check(), 0).Err(); err == nil {
			check, err = c.Get(ctx, checkKey()).Result()
		}
	}
	if err != nil {
		return fmt.Errorf("read the key's check value (GET, SET): %w", err)
	}
	if err := s.checkOwner(check); err != nil {
		return err
	}
	if schema == "" {
		if err := c.SetNX(ctx, indexKey(), indexWhole, 0).Err(); err != nil { // of no ticket
			return fmt.Errorf("write the state of the index (SET): %w", err)
		}
		if err := c.SetNX(ctx, schemaKey(), strconv.Itoa(schemaVersion), 0).Err(); err != nil {
			return fmt.Errorf("write the schema (SET): %w", err)
		}
	}
	return nil
}

func (s *Store) checkSchema(schema string) error {
	if schema == "" {
		return nil
	}
	v, err := strconv.Atoi(schema)
	if err != nil || v > schemaVersion {
		return fmt.Errorf("the store %s: its schema is %q, this program knows %d: %w; nothing was touched, run the newer program", describe(s.opt), schema, schemaVersion, ErrSchema)
	}
	return nil
}

func (s *Store) checkOwner(check string) error {
	if check == "" || subtle.ConstantTimeCompare([]byte(check), []byte(s.keys.check())) == 1 {
		return nil
	}
	return fmt.Errorf("the store %s: %w: its data cannot be read with this one; give the key file that it was made with (store.key_file), or another store", describe(s.opt), ErrOtherKey)
}

// permissionError names commands that the login may not run.
type permissionError struct{ refused string }

func (e permissionError) Error() string { return e.refused }

// probeKeys are the scratch keys of probe.lua.
func probeKeys(shard int) []string {
	kinds := []string{"s", "h", "l", "t", "z", "x"}
	for i, k := range kinds {
		kinds[i] = tag(shard) + "probe:" + k
	}
	return kinds
}

// examineLogin tries every command that the scripts, and the store beside them, use, on scratch keys.
func (s *Store) examineLogin(ctx context.Context) error {
	if s.embedded != nil {
		return nil
	}
	keys := probeKeys(0)
	v, err := s.lines.do(ctx, scriptProbe, keys)
	if err != nil {
		return fmt.Errorf("try the scripts' commands (EVALSHA, SCRIPT LOAD): %w", err)
	}
	refused := asStrings(asList(v))
	cmds, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Exists(ctx, keys[0])
		p.HMGet(ctx, keys[1], "f")
		p.HGetAll(ctx, keys[1])
		p.HSet(ctx, keys[1], "f", "1")
		p.HDel(ctx, keys[1], "f")
		p.LRange(ctx, keys[2], 0, 0)
		p.SAdd(ctx, keys[3], "a")
		p.SCard(ctx, keys[3])
		p.SMembers(ctx, keys[3])
		p.SRem(ctx, keys[3], "a")
		p.ZAddXX(ctx, keys[4], redis.Z{Score: 1, Member: "a"})
		p.ZCard(ctx, keys[4])
		p.ZCount(ctx, keys[4], "0", "1")
		p.ZRangeWithScores(ctx, keys[4], 0, 0)
		p.ZScan(ctx, keys[4], 0, "", 1)
		p.XRangeN(ctx, keys[5], "-", "+", 1)
		p.XTrimMinID(ctx, keys[5], "0")
		p.MGet(ctx, keys[0])
		p.Set(ctx, keys[0], "1", 0)
		p.Del(ctx, keys[0])
		return nil
	})
	for _, cmd := range cmds {
		if e := cmd.Err(); e != nil && !errors.Is(e, redis.Nil) {
			if !hasCode(e, "NOPERM") {
				return fmt.Errorf("try %s: %w", strings.ToUpper(cmd.Name()), e)
			}
			refused = append(refused, strings.ToUpper(cmd.Name())+": "+e.Error())
		}
	}
	if len(cmds) == 0 && err != nil {
		return err
	}
	if len(refused) > 0 {
		return permissionError{fmt.Sprintf("the store %s does not let the login %q run %s; allow it with ACL SETUSER", describe(s.opt), name(s.opt.Username), strings.Join(refused, "; "))}
	}
	return nil
}

// connected looks at a connection before it is used for the first time: a server that came back weaker, or is another
// one, shuts the gate before it can take anything.
func (s *Store) connected(ctx context.Context, cn *redis.Conn) error {
	if s.embedded != nil {
		return nil
	}
	s.again.Store(true)
	found, err := readSettings(ctx, cn)
	if err != nil {
		if _, answered := errors.AsType[redis.Error](err); answered {
			return nil // a sentinel, or a login without CONFIG: look says so
		}
		return err
	}
	if s.known.note(found.replid) {
		s.cache.clear()
	}
	if s.opt.Cluster || s.opt.SentinelMaster != "" {
		found.replicas = int(s.elected.Load()) // not each that follows could be promoted
	}
	if found.replica {
		return nil // it takes no writes, and sees fewer of them
	}
	if err := found.weaker(s.opt); err != nil {
		s.gate.shut(s.words(err))
		return nil
	}
	if s.opt.Cluster {
		return nil // {line} may live on another node; look compares it
	}
	for key, check := range map[string]func(string) error{schemaKey(): s.checkSchema, checkKey(): s.checkOwner} {
		if v, err := cn.Get(ctx, key).Result(); err == nil {
			if err := check(v); err != nil {
				s.gate.shut(s.words(err))
			}
		}
	}
	return nil
}
