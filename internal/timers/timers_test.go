package timers_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"aduan/internal/timers"
	"aduan/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// due is a store that has something due, once a look.
type due struct {
	mu       sync.Mutex
	looks    []store.Claimed
	errs     []error
	boot     string
	during   func() // called while a claim is under way
	released []store.Outgoing
	asked    []store.Claim
}

func (d *due) BootID() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.boot
}

func (d *due) Claim(_ context.Context, c store.Claim) (store.Claimed, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, c)
	if d.during != nil {
		d.during()
	}
	if len(d.looks) == 0 {
		return store.Claimed{}, nil
	}
	got, err := d.looks[0], error(nil)
	d.looks = d.looks[1:]
	if len(d.errs) > 0 {
		err, d.errs = d.errs[0], d.errs[1:]
	}
	return got, err
}

func (d *due) Release(_ context.Context, _ string, sms []store.Outgoing, _ time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.released = append(d.released, sms...)
	return nil
}

// hands note what was handed to them.
type hands struct {
	mu      sync.Mutex
	adopted []string
	ticks   []string
	groups  []string
	offered []string
	room    int
	panics  string
}

func (h *hands) options(d *due) timers.Options {
	return timers.Options{
		Store: d, Now: time.Now,
		Room: func() map[string]int { return map[string]int{"A": h.room} },
		Adopt: func(sms []store.Outgoing) (left []store.Outgoing) {
			h.mu.Lock()
			defer h.mu.Unlock()
			for _, m := range sms {
				if len(h.adopted) >= h.room {
					left = append(left, m)
					continue
				}
				h.adopted = append(h.adopted, m.ID)
			}
			return left
		},
		Tick: func(_ context.Context, id store.CitizenID) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.ticks = append(h.ticks, id.Hash)
			if id.Hash == h.panics {
				panic("a bug")
			}
			return nil
		},
		Join: func(_ context.Context, ref store.GroupRef) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.groups = append(h.groups, ref.Key)
			return errors.New("not now")
		},
		Offer: func(ref store.HandoffRef) bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.offered = append(h.offered, ref.Subject)
			return false
		},
	}
}

func look() store.Claimed {
	return store.Claimed{
		SMS: []store.Outgoing{{ID: "s1"}, {ID: "s2"}, {ID: "s3"}}, Ticks: []store.CitizenID{{Hash: "c1"}, {Hash: "c2"}},
		Groups: []store.GroupRef{{Key: "g1"}}, Handoffs: []store.HandoffRef{{Subject: "t1"}},
	}
}

func TestWhatIsDueGoesToWhoDoesIt(t *testing.T) {
	d, h := &due{boot: "p1", looks: []store.Claimed{look()}}, &hands{room: 2, panics: "c1"}
	n, err := timers.New(h.options(d)).Once(t.Context())
	if n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	slices.Sort(h.ticks)
	for _, c := range []struct{ got, want []string }{
		{h.adopted, []string{"s1", "s2"}}, {h.ticks, []string{"c1", "c2"}}, {h.groups, []string{"g1"}}, {h.offered, []string{"t1"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%v, want %v", c.got, c.want)
		}
	}
	if len(d.released) != 1 || d.released[0].ID != "s3" {
		t.Errorf("released %v: what found no room is due again", d.released)
	}
	if c := d.asked[0]; c.Boot != "p1" || c.Room["A"] != 2 || !c.Handoffs {
		t.Errorf("claimed by %+v", c)
	}
}

func TestALookGoesOnWhileThereIsMore(t *testing.T) {
	more := look()
	more.More = true
	d, h := &due{boot: "p1", looks: []store.Claimed{more, look(), look()}}, &hands{room: 100}
	if n, err := timers.New(h.options(d)).Once(t.Context()); n != 14 || err != nil {
		t.Errorf("%d, %v: want two looks", n, err)
	}
}

func TestWhatSomeShardsGaveIsDoneThoughOthersFailed(t *testing.T) {
	d, h := &due{boot: "p1", looks: []store.Claimed{look()}, errs: []error{store.ErrUnknown}}, &hands{room: 100}
	_, err := timers.New(h.options(d)).Once(t.Context())
	if !errors.Is(err, store.ErrUnknown) || len(h.adopted) != 3 || len(h.ticks) != 2 {
		t.Errorf("%v: %v adopted, %v ticks", err, h.adopted, h.ticks)
	}
}

func TestWhatWasClaimedByABootThatEndedIsLeftToWhoTakesItOver(t *testing.T) {
	d, h := &due{boot: "p1", looks: []store.Claimed{look()}}, &hands{room: 100}
	d.during = func() { d.boot = "p2" }
	if _, err := timers.New(h.options(d)).Once(t.Context()); err != nil {
		t.Error(err)
	}
	if len(h.adopted) != 0 {
		t.Errorf("adopted %v", h.adopted)
	}
}

func TestRoomIsFilledAtOnceButNotWithoutAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := &due{boot: "p1"}, &hands{room: 1}
		room := make(chan struct{}, 1)
		o := h.options(d)
		o.HasRoom = room
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- timers.New(o).Run(ctx) }()
		for range 10 {
			room <- struct{}{}
			time.Sleep(30 * time.Millisecond)
		}
		d.mu.Lock()
		looks := len(d.asked)
		d.mu.Unlock()
		if looks < 5 || looks > 10 {
			t.Errorf("%d looks in 300 ms", looks)
		}
		time.Sleep(5 * time.Second)
		d.mu.Lock()
		looks = len(d.asked) - looks
		d.mu.Unlock()
		if looks < 9 || looks > 11 {
			t.Errorf("%d looks in 5 s", looks)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
