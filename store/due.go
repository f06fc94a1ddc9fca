package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// Lease is how long what was claimed (a tick, a group, a hand-off) is left to who claimed it.
const Lease = 30 * time.Second

// Claim asks for what is due.
type Claim struct {
	Boot      string
	Now       time.Time
	PerShard  int            // at most so many of a shard; 0: 100
	Room      map[string]int // link → how many SMS it can take
	Expired   time.Time      // SMS queued before it are given whatever room there is: they have expired; zero: none has
	Otherwise string         // the link that carries SMS of links that Room does not name; "": they wait
	Handoffs  bool           // events are handed on from here
}

// Claimed is what is now the claimer's to do.
type Claimed struct {
	SMS      []Outgoing // held by the boot
	Ticks    []CitizenID
	Groups   []GroupRef
	Handoffs []HandoffRef
	More     bool // more was due than was taken: come again
}

const (
	noRoomPause     = 250 * time.Millisecond // an SMS whose link is down, or full with others due behind it, is looked at again
	unreadablePause = time.Minute            // likewise an entry that cannot be read
	unwantedPause   = 10 * time.Minute       // events to hand on, where no case system is configured
	claimMax        = 100
)

// Claim takes what is due: SMS become held by the boot, the rest is leased for [Lease]. All shards are asked in one
// pipeline; only those where something is due are then claimed from, each with its share of the links' room. ErrFenced
// where the boot is fenced.
func (s *Store) Claim(ctx context.Context, c Claim) (Claimed, error) {
	var got Claimed
	if c.PerShard <= 0 {
		c.PerShard = claimMax
	}
	if err := s.boot.allowed(c.Boot); err != nil {
		return got, err
	}
	shards, err := s.dueShards(ctx, c.Now)
	if err != nil {
		return got, err
	}
	jobs := make([]*job, len(shards))
	for i, shard := range shards {
		at := func(d time.Duration) int64 { return millis(c.Now.Add(d)) }
		args := []any{c.Boot, millis(c.Now), c.PerShard, flag(c.Handoffs), at(Lease), at(jittered(noRoomPause)), at(unreadablePause), at(unwantedPause), c.Otherwise, millis(c.Expired)}
		for link, room := range c.Room {
			args = append(args, link, share(room, i, len(shards)))
		}
		jobs[i] = s.lines.start(ctx, scriptClaim, []string{dueKey(shard), fenceKey(shard), heldKey(shard, c.Boot)}, args)
	}
	var errs []error
	for i, j := range jobs {
		reply, err := s.lines.wait1(ctx, j)
		if err != nil {
			if errors.Is(err, ErrUnknown) {
				s.noteUnknown(shards[i])
			}
			errs = append(errs, err)
			continue
		}
		if err := s.claimed(ctx, c.Boot, &got, shards[i], asList(reply)); err != nil {
			errs = append(errs, err)
		}
	}
	return got, errors.Join(errs...)
}

// jittered is d, a third less or more: two daemons that look at the same time must not put off what only one of them
// can send again and again until the other's next look has passed.
func jittered(d time.Duration) time.Duration {
	return d*2/3 + time.Duration(rand.Int64N(int64(d)*2/3)) //nolint:gosec // no secret
}

// share divides room fairly, the rest to the first.
func share(room, i, n int) int {
	if room < 0 {
		return room
	}
	if i < room%n {
		return room/n + 1
	}
	return room / n
}

// dueShards asks all shards whether something is due; they come in an order that differs each time, so that a small
// room is not always the same shards'.
func (s *Store) dueShards(ctx context.Context, now time.Time) ([]int, error) {
	pipe := s.rdb.Pipeline()
	cmds := make([]*redis.ZSliceCmd, Shards)
	for shard := range Shards {
		cmds[shard] = pipe.ZRangeByScoreWithScores(ctx, dueKey(shard), &redis.ZRangeBy{
			Min: "-inf", Max: strconv.FormatInt(millis(now), 10), Count: 1,
		})
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	var shards []int
	var first [Shards]float64
	var errs []error
	for shard, c := range cmds {
		list, err := c.Result()
		if err != nil {
			errs = append(errs, err)
		} else if len(list) > 0 {
			shards = append(shards, shard)
			first[shard] = list[0].Score
		}
	}
	if len(errs) > 0 && len(shards) == 0 {
		return nil, fmt.Errorf("look for what is due: %w", judge(errs[0]))
	}
	if len(shards) > 1 {
		n := int(s.turn.Add(1))
		turn := n % len(shards)
		shards = append(shards[turn:], shards[:turn]...)
		if n%2 == 0 { // a small room goes to what is most urgent, and every other time to whoever's turn it is
			slices.SortStableFunc(shards, func(a, b int) int { return cmp.Compare(first[a], first[b]) })
		}
	}
	return shards, nil
}

// claimed reads what claim.lua returned.
func (s *Store) claimed(ctx context.Context, boot string, got *Claimed, shard int, l []any) error {
	if asInt(l, 0) < 0 || len(l) < 6 {
		return ErrFenced
	}
	got.More = got.More || asInt(l, 0) == 1
	got.SMS = append(got.SMS, s.outgoings(ctx, boot, shard, asList(l[1]))...)
	for _, hash := range asStrings(asList(l[2])) {
		got.Ticks = append(got.Ticks, CitizenID{Shard: shard, Hash: hash})
	}
	for _, name := range asStrings(asList(l[3])) {
		if hash, key, ok := strings.Cut(name, ":"); ok {
			got.Groups = append(got.Groups, GroupRef{Citizen: CitizenID{Shard: shard, Hash: hash}, Key: key})
		}
	}
	for _, subject := range asStrings(asList(l[4])) {
		got.Handoffs = append(got.Handoffs, HandoffRef{Shard: shard, Subject: subject})
	}
	if bad := asInt(l, 5); bad > 0 {
		s.met.bad.Add(float64(bad))
		s.opt.Log.Error("due entries cannot be read and are put off", zap.Int("shard", shard), zap.Int64("entries", bad))
	}
	return nil
}
