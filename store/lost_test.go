package store_test

import (
	"errors"
	"testing"
	"time"

	"aduan/store"
	"aduan/store/storetest"
)

// R2: the commit stands, its answer is lost, and the server is gone when it is tried again: whether it stands is
// still not known, and what it holds is looked for.
func TestR2TheServerGoesWithTheAnswer(t *testing.T) {
	proxy := storetest.NewProxy(t, sharedRedis(t))
	b := newBench(t, proxy.Addr())
	direct := client(t, child.addr)
	c := b.citizen(1)
	b.mustKeep(b.turn(c))
	turn := b.turn(b.citizen(1), b.sms(c, "once"))
	turn.Deadline = time.Now().Add(5 * time.Second)
	proxy.BlackHole(storetest.ToClient, true)
	failed := make(chan error, 1)
	go func() {
		_, err := b.Commit(b.ctx, turn)
		failed <- err
	}()
	eventually(t, func() error {
		if direct.LLen(b.ctx, store.OutKey(c.ID)).Val() != 1 {
			return errors.New("the commit does not stand yet")
		}
		return nil
	})
	proxy.Refuse()
	if err := <-failed; !errors.Is(err, store.ErrUnknown) || errors.Is(err, store.ErrNotKept) {
		t.Errorf("it stands, and is said to be: %v", err)
	}
	if shards := b.Recheck(); len(shards) != 1 || shards[0] != c.ID.Shard {
		t.Errorf("recheck %v", shards)
	}
}

// A serial that stands already is not to be used again: who gave it back would fail with it for ever.
func TestASerialThatStandsIsSaidToBeTaken(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.mustKeep(b.wholeTurn(1))
		again := b.wholeTurn(1)
		again.Citizen = b.citizen(1)
		again.Mark, again.Idempotency = nil, nil
		if _, err := b.Commit(b.ctx, again); !errors.Is(err, store.ErrTaken) || !errors.Is(err, store.ErrNotKept) {
			t.Errorf("%v", err)
		}
	})
}
