package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// BootEvents are told what befalls boots.
type BootEvents struct {
	// Dead is told of a boot that has died, so that it is taken over ([Store.TakeOver]). It may be called for several
	// boots at once, and again for one that still stands.
	Dead func(ctx context.Context, bootID string)
	// Fenced is told that we were fenced, or stood still for 3 s: sessions must be dropped unread. A new BootID stands
	// when it is called, and may write only after it has returned.
	Fenced func()
	// Links are the links that are up now: with the other daemons on which a link is up this one divides its rate
	// ([Store.Daemons]). nil: it counts for every link.
	Links func() []string
}

// renewal is what a heartbeat's answer brings.
type renewal struct {
	fenced bool
	clock  time.Time         // Redis's
	boots  map[string]string // boot → counter
	sends  map[string]string // boot → the links that it may send on, JSON; none of one that does not say
}

// line is what a boot's loop needs of Redis; tests put a model here.
type line interface {
	renew(ctx context.Context, boot string, sends []string) (renewal, error)
}

// RunBoot keeps this boot alive until ctx ends: it counts up each second, watches the others, and looks whether this
// process stood still. It waits for the callbacks that it called.
func (s *Store) RunBoot(ctx context.Context, ev BootEvents) error {
	return newBootLoop(s.boot, s, ev, s.opt.Log, s.met.fenced.Inc).run(ctx)
}

// bootLoop is one RunBoot.
type bootLoop struct {
	state  *bootState
	line   line
	ev     BootEvents
	log    *zap.Logger
	fenced func()

	seen      watch         // of the renewing goroutine only
	taken     chan string   // boots whose taking over has ended
	replacing chan struct{} // held while a boot is replaced
}

func newBootLoop(state *bootState, line line, ev BootEvents, log *zap.Logger, fenced func()) *bootLoop {
	return &bootLoop{
		state: state, line: line, ev: ev, log: log, fenced: fenced,
		taken: make(chan string), replacing: make(chan struct{}, 1),
	}
}

func (l *bootLoop) run(ctx context.Context) error {
	now := time.Now()
	b := l.state
	b.shares.SetUp(l.ev.Links)
	b.mu.Lock()
	b.running, b.registered, b.ticked = true, false, now
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.running = false
		b.mu.Unlock()
	}()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { l.tick(ctx); return nil })
	g.Go(func() error { l.beat(ctx, g); return nil })
	return g.Wait()
}

// tick notices a gap in its own ticks: this process stood still, and what lies in its sockets is of unknown age.
func (l *bootLoop) tick(ctx context.Context) {
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if id, still := l.state.tick(time.Now()); still {
			l.replace(id, "the process stood still")
			l.state.renewNow()
		}
	}
}

// tick notes one tick. still: the one before it is too long ago; then it is not noted, so that nothing is written
// until the boot has been replaced.
func (b *bootState) tick(now time.Time) (id string, still bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.ticked) >= stoodStill {
		return b.id, true
	}
	b.ticked = now
	return b.id, false
}

// beat renews each second and acts on the answers.
func (l *bootLoop) beat(ctx context.Context, g *errgroup.Group) {
	t := time.NewTicker(renewEvery)
	defer t.Stop()
	busy := map[string]bool{} // boots that are being taken over
	for {
		again := l.renew(ctx, g, busy)
		for !again {
			select {
			case <-ctx.Done():
				return
			case id := <-l.taken:
				delete(busy, id)
			case <-l.state.kick:
				again = true
			case <-t.C:
				again = true
			}
		}
	}
}

// renew sends one heartbeat. again: this boot was fenced, and the new one is to be registered at once.
func (l *bootLoop) renew(ctx context.Context, g *errgroup.Group, busy map[string]bool) (again bool) {
	id, sent := l.state.current(), time.Now()
	named := l.state.shares.Named(sent)
	wait, cancel := context.WithTimeout(ctx, renewalWait)
	r, err := l.line.renew(wait, id, named)
	cancel()
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		l.log.Warn("heartbeat not answered", zap.Error(err))
		return false
	case r.fenced:
		l.replace(id, "another daemon took over")
		return true
	}
	answered := time.Now()
	l.state.setClock(l.state.now(), r.clock)
	if !l.state.answered(id, sent, r) {
		return false // replaced meanwhile
	}
	died := l.seen.look(answered, id, r.boots)
	l.state.shares.Answered(sent, answered, named, r.saying(died))
	for _, dead := range died {
		if busy[dead] || l.ev.Dead == nil {
			continue
		}
		busy[dead] = true
		g.Go(func() error {
			l.ev.Dead(ctx, dead)
			select {
			case l.taken <- dead:
			case <-ctx.Done():
			}
			return nil
		})
	}
	return false
}

func (b *bootState) current() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.id
}

// answered notes a renewal; false where id is not our boot any more.
func (b *bootState) answered(id string, sent time.Time, r renewal) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id != b.id {
		return false
	}
	b.registered, b.renewed, b.listedAt = true, sent, sent
	b.standing = make(map[string]bool, len(r.boots))
	for boot := range r.boots {
		b.standing[boot] = true
	}
	return true
}

// saying is what each living boot says of its links, nil of one that says nothing.
func (r renewal) saying(died []string) map[string][]string {
	all := make(map[string][]string, len(r.boots))
	for boot := range r.boots {
		if slices.Contains(died, boot) {
			continue
		}
		all[boot] = nil
		if list := []string(nil); json.Unmarshal([]byte(r.sends[boot]), &list) == nil {
			all[boot] = list
		}
	}
	return all
}

// replace gives this process a new boot. Nothing is written under it before Fenced has returned and Redis knows it.
func (l *bootLoop) replace(old, why string) {
	l.replacing <- struct{}{}
	defer func() { <-l.replacing }()
	b := l.state
	b.mu.Lock()
	if b.id != old {
		b.mu.Unlock()
		return
	}
	b.id, b.registered = newBootID(), false
	b.mu.Unlock()
	b.shares.Reset()
	l.fenced()
	l.log.Error("this boot ends: sessions are dropped unread", zap.String("boot", old), zap.String("why", why))
	if l.ev.Fenced != nil {
		l.ev.Fenced()
	}
	b.markDead(old)
	b.mu.Lock()
	b.ticked = time.Now()
	b.mu.Unlock()
}

// watch sees other boots' counters stand still, by our own clock, while we are in touch with Redis throughout.
type watch struct {
	last  time.Time // the last answered renewal
	boots map[string]sighting
}

type sighting struct {
	counter string
	since   time.Time
}

// look notes an answer and gives the boots that stood still for too long. One that was silent because Redis was
// silent, for us too, is watched anew.
func (w *watch) look(at time.Time, own string, boots map[string]string) (dead []string) {
	if w.boots == nil || at.Sub(w.last) > inTouch {
		w.boots = map[string]sighting{}
	}
	w.last = at
	for id := range w.boots {
		if _, ok := boots[id]; !ok {
			delete(w.boots, id)
		}
	}
	for id, counter := range boots {
		s, ok := w.boots[id]
		switch {
		case id == own:
		case !ok || s.counter != counter:
			w.boots[id] = sighting{counter, at}
		case at.Sub(s.since) >= deadAfter:
			dead = append(dead, id)
		}
	}
	return dead
}

// renew is the heartbeat itself: one script on the line's slot, not behind the commits. It counts once the replicas have
// it: a boot whose master was cut off must stop submitting before the others, who see its counter stand still at the
// new master, take over what it holds.
func (s *Store) renew(ctx context.Context, boot string, sends []string) (renewal, error) {
	keys, says := []string{bootsKey(), fencedKey(), sendsKey(), formsKey()}, ""
	if sends != nil {
		b, err := json.Marshal(sends)
		if err != nil {
			return renewal{}, err
		}
		says = string(b)
	}
	reply, err := s.lines.alone(ctx, scriptRenew, keys, boot, says, schemaVersion)
	if err != nil {
		return renewal{}, err
	}
	l := asList(reply)
	if len(l) < 3 {
		return renewal{}, fmt.Errorf("heartbeat: an answer of %d elements", len(l))
	}
	sec, err1 := strconv.ParseInt(asString(l[1]), 10, 64)
	usec, err2 := strconv.ParseInt(asString(l[2]), 10, 64)
	if err1 != nil || err2 != nil {
		return renewal{}, fmt.Errorf("heartbeat: Redis's time cannot be read")
	}
	r := renewal{fenced: asInt(l, 0) != 1, clock: time.Unix(sec, usec*1000)}
	if len(l) > 3 {
		r.boots = asMap(asList(l[3]))
	}
	if len(l) > 4 {
		r.sends = asMap(asList(l[4]))
	}
	return r, nil
}
