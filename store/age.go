package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.uber.org/zap"
)

// The age of a store is a number in it that is counted up while turns are kept; line.json holds the highest that was
// seen. A store that is younger was emptied, or put back from an old backup, or lost what a failover lost: what was told
// since then is missing. That is noted in the store, so that each daemon says it, until a person acknowledges it.

const ageEvery = 5 * time.Second // while turns are kept: what was lost of a longer time is noticed

func ageKey() string   { return lineTag + "age" }
func youngKey() string { return lineTag + "young" }

// Younger is that the store knows less than this line has told.
type Younger struct {
	At    time.Time // when it was noticed
	Found uint64    // its age then; 0: it was empty
	Seen  uint64    // the age that it had had
}

// String is the sentence of /readyz and the log.
func (y Younger) String() string {
	what := "an old backup was put back, or a failover lost something"
	switch {
	case y.Found == 0:
		what = "it was emptied"
	case y.Found == y.Seen:
		what = "ticket numbers were given above those that it knows, so an old backup was put back"
	}
	return fmt.Sprintf("the store knows less than this line has told (its age is %[2]d, and was %[1]d by line.json; noticed %[3]s): %[4]s. No ticket number is given twice, but tickets and SMS are missing. Put the right data back; where this was meant: aduan restored",
		y.Seen, y.Found, y.At.UTC().Format(time.RFC3339), what)
}

// grow counts the age up, and learns whether the store is younger than it was.
func (s *Store) grow(ctx context.Context) error {
	if s.embedded != nil {
		return nil // it begins empty each time
	}
	s.manager.kept.Store(false)
	return s.serials.file.update(ctx, func(t *lineState) error {
		reply, err := s.lines.do(ctx, scriptAge, []string{ageKey(), youngKey()}, t.age, millis(s.opt.Now()))
		if err != nil {
			return fmt.Errorf("compare the store's age with %s: %w", s.serials.file.path, err)
		}
		l := asList(reply)
		if len(l) == 0 {
			return errors.New("age.lua gave no age")
		}
		age, err := strconv.ParseUint(asString(l[0]), 10, 64)
		if err != nil || age <= t.age {
			return fmt.Errorf("age.lua gave %q after %d", asString(l[0]), t.age)
		}
		t.age = age
		s.noteYounger(readYounger(asMap(l[1:])))
		return nil
	})
}

func readYounger(f map[string]string) *Younger {
	if len(f) == 0 {
		return nil
	}
	y := Younger{At: fromMillis(f["at"])}
	y.Found, _ = strconv.ParseUint(f["found"], 10, 64)
	y.Seen, _ = strconv.ParseUint(f["seen"], 10, 64)
	return &y
}

// noteYounger makes it known, once when it comes and once when it goes.
func (s *Store) noteYounger(y *Younger) {
	before := s.younger.Swap(y)
	gauge := 0.0
	if y != nil {
		gauge = 1
	}
	s.met.younger.Set(gauge)
	switch {
	case y != nil && before == nil:
		s.opt.Log.Error("the store knows less than this line has told", logReason(y.String()))
		if s.opt.Alarm != nil {
			s.opt.Alarm(y.String())
		}
	case y == nil && before != nil:
		s.opt.Log.Info("that the store knew less was acknowledged")
	}
}

// Younger is the note that stands; ErrNotFound: none does.
func (s *Store) Younger(ctx context.Context) (Younger, error) {
	f, err := s.rdb.HGetAll(ctx, youngKey()).Result()
	if err != nil {
		return Younger{}, fmt.Errorf("read whether the store is younger than it was: %w", err)
	}
	if y := readYounger(f); y != nil {
		return *y, nil
	}
	return Younger{}, ErrNotFound
}

// Restored acknowledges the note: a person knows. ErrNotFound: none stands.
func (s *Store) Restored(ctx context.Context) error {
	n, err := s.rdb.Del(ctx, youngKey()).Result()
	if err != nil {
		return fmt.Errorf("acknowledge that the store is younger than it was: %w", err)
	}
	if n == 0 {
		return ErrNotFound
	}
	s.noteYounger(nil)
	return nil
}

// serialRaised notes that Redis stood below line.json: it was emptied, or is an old backup.
func (s *Store) serialRaised(ctx context.Context, shard int, was, now uint64) {
	if s.embedded != nil {
		return // it begins empty each time
	}
	s.opt.Log.Warn("a shard's ticket numbers were raised", shardField(shard), serialField("was", was), serialField("now", now))
	if s.younger.Load() != nil {
		return // the age has told it
	}
	// A line.json of before there was an age, or a store put back to within the last seconds.
	fresh := Younger{At: s.opt.Now()}
	if age, err := s.rdb.Get(ctx, ageKey()).Uint64(); err == nil {
		fresh.Found, fresh.Seen = age, age
	}
	err := s.rdb.HSet(ctx, youngKey(), "at", millis(fresh.At), "found", fresh.Found, "seen", fresh.Seen).Err()
	if err != nil {
		s.opt.Log.Warn("that the store knows less could not be noted in it", zap.Error(err))
	}
	s.noteYounger(&fresh)
}
