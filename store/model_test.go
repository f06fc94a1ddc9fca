package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aduan/store"
)

// queueModel is what the outbox must do, said plainly: a citizen has a queue; its head is held by one boot or due at a
// time; the others wait; pushes of a later hour stand outside until a claim finds them due.
type queueModel struct {
	b     *bench
	boots []*bench // daemons on one Redis
	now   time.Time
	queue map[int][]*modelSMS // citizen → queue
	late  []*modelSMS         // outside, until their hour
	ended int
	past  []store.Done // all that was said of holds that have ended
}

type modelSMS struct {
	id      string
	citizen int
	at      time.Time // due (where nobody holds it)
	holder  string
	tries   int
	out     store.Outgoing // as it was handed out
}

func (m *queueModel) head(c int) *modelSMS {
	if len(m.queue[c]) == 0 {
		return nil
	}
	return m.queue[c][0]
}

func (m *queueModel) held() (list []*modelSMS) {
	for c := range 3 {
		if h := m.head(c); h != nil && h.holder != "" {
			list = append(list, h)
		}
	}
	return list
}

func (m *queueModel) commit(t *rapid.T) {
	boot := rapid.SampledFrom(m.boots).Draw(t, "boot")
	c := rapid.IntRange(0, 2).Draw(t, "citizen")
	who, err := boot.Assume(number(c))
	if err != nil {
		t.Fatal(err)
	}
	turn := &store.Turn{Boot: boot.BootID(), Deadline: time.Now().Add(time.Minute), Now: m.now, Citizen: who, State: []byte("s")}
	var made []*modelSMS
	for i := range rapid.IntRange(0, 3).Draw(t, "sms") {
		sms := boot.sms(who, fmt.Sprint(i))
		sms.Hold = rapid.Bool().Draw(t, "hold")
		x := &modelSMS{id: sms.ID, citizen: c, at: m.now}
		if rapid.IntRange(0, 4).Draw(t, "later") == 0 {
			sms.NotBefore = m.now.Add(time.Hour)
			x.at = sms.NotBefore
			m.late = append(m.late, x)
		} else {
			if m.queue[c] = append(m.queue[c], x); len(m.queue[c]) == 1 && sms.Hold {
				x.holder = boot.BootID()
				made = append(made, x)
			}
		}
		turn.SMS = append(turn.SMS, sms)
	}
	for range rapid.IntRange(1, 2).Draw(t, "times") { // once more as after a lost answer
		out, err := boot.Commit(boot.ctx, turn)
		if err == nil && out.Kind == store.Stale {
			turn.Citizen = out.Citizen
			out, err = boot.Commit(boot.ctx, turn)
		}
		if err != nil || out.Kind != store.Kept {
			t.Fatalf("commit: %v, %v", out.Kind, err)
		}
		m.handedOut(t, out.Send, made)
	}
}

// handedOut compares what was handed out with what should have been.
func (m *queueModel) handedOut(t *rapid.T, got []store.Outgoing, want []*modelSMS) {
	if len(got) != len(want) {
		t.Fatalf("handed out %d, want %d", len(got), len(want))
	}
	for _, o := range got {
		i := slices.IndexFunc(want, func(x *modelSMS) bool { return x.id == o.ID })
		if i < 0 || want[i].tries != o.Tries || o.To != number(want[i].citizen) {
			t.Fatalf("handed out %+v", o)
		}
		want[i].out = o
	}
}

func (m *queueModel) done(t *rapid.T) {
	held := m.held()
	if len(held) == 0 {
		t.Skip("nothing is held")
	}
	x := rapid.SampledFrom(held).Draw(t, "which")
	boot := m.boots[slices.IndexFunc(m.boots, func(b *bench) bool { return b.BootID() == x.holder })]
	d := store.Done{
		Boot: x.holder, SMS: x.out, At: m.now, HoldNext: rapid.Bool().Draw(t, "hold next"), State: store.StateUndeliverable,
		End: rapid.SampledFrom([]store.DoneEnd{store.DoneAccepted, store.DoneRetry, store.DoneEnded}).Draw(t, "end"), RetryAt: m.now.Add(time.Minute),
	}
	var want *modelSMS
	x.holder = ""
	if d.End == store.DoneRetry {
		x.tries++
		x.at = d.RetryAt
	} else {
		m.ended++
		m.queue[x.citizen] = m.queue[x.citizen][1:]
		if next := m.head(x.citizen); next != nil {
			next.at = m.now
			if d.HoldNext {
				next.holder, want = boot.BootID(), next
			}
		}
	}
	for range rapid.IntRange(1, 2).Draw(t, "times") {
		next, err := boot.Done(boot.ctx, d)
		if err != nil || (next == nil) != (want == nil) {
			t.Fatalf("done: next %v, %v", next, err)
		}
		if next != nil {
			m.handedOut(t, []store.Outgoing{*next}, []*modelSMS{want})
		}
	}
	m.past = append(m.past, d)
}

// stale runs what was said of an earlier hold after all, as where its answer was given up: nothing changes.
func (m *queueModel) stale(t *rapid.T) {
	if len(m.past) == 0 {
		t.Skip("nothing was said yet")
	}
	d := rapid.SampledFrom(m.past).Draw(t, "which")
	boot := rapid.SampledFrom(m.boots).Draw(t, "boot")
	if _, err := boot.Done(boot.ctx, d); err != nil && !errors.Is(err, store.ErrFenced) {
		t.Fatal(err)
	}
	if err := boot.Release(boot.ctx, d.Boot, []store.Outgoing{d.SMS}, m.now); err != nil {
		t.Fatal(err)
	}
}

func (m *queueModel) release(t *rapid.T) {
	held := m.held()
	if len(held) == 0 {
		t.Skip("nothing is held")
	}
	x := rapid.SampledFrom(held).Draw(t, "which")
	at := m.now.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "minutes")) * time.Minute)
	if err := m.b.Release(m.b.ctx, x.holder, []store.Outgoing{x.out}, at); err != nil {
		t.Fatal(err)
	}
	x.holder, x.at = "", at
}

func (m *queueModel) claim(t *rapid.T) {
	boot := rapid.SampledFrom(m.boots).Draw(t, "boot")
	got, err := boot.Claim(boot.ctx, store.Claim{Boot: boot.BootID(), Now: m.now, Room: map[string]int{"main": 1000}})
	if err != nil {
		t.Fatal(err)
	}
	var want []*modelSMS
	for c := range 3 {
		if h := m.head(c); h != nil && h.holder == "" && !h.at.After(m.now) {
			want = append(want, h)
			h.holder = boot.BootID()
		}
	}
	// What stood outside until now moves into its queue, earliest first; as head it is handed out.
	slices.SortStableFunc(m.late, func(a, b *modelSMS) int {
		if d := a.at.Compare(b.at); d != 0 {
			return d
		}
		return slices.Compare([]byte(a.id), []byte(b.id))
	})
	m.late = slices.DeleteFunc(m.late, func(x *modelSMS) bool {
		if x.at.After(m.now) {
			return false
		}
		if m.queue[x.citizen] = append(m.queue[x.citizen], x); len(m.queue[x.citizen]) == 1 {
			x.holder = boot.BootID()
			want = append(want, x)
		}
		return true
	})
	m.handedOut(t, got.SMS, want)
}

func (m *queueModel) takeOver(t *rapid.T) {
	i := rapid.IntRange(0, len(m.boots)-1).Draw(t, "boot")
	dead := m.boots[i]
	n, err := m.b.TakeOver(m.b.ctx, dead.BootID())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range m.held() {
		if x.holder == dead.BootID() {
			n--
			x.holder, x.at = "", time.Time{}
			if _, err := dead.Done(dead.ctx, store.Done{Boot: dead.BootID(), SMS: x.out, End: store.DoneAccepted, At: m.now}); !errors.Is(err, store.ErrFenced) {
				t.Fatalf("the dead boot's outcome: %v", err)
			}
		}
	}
	if n != 0 {
		t.Fatalf("taken over: %d too many", n)
	}
	m.boots[i] = m.b.other()
}

// check compares all that stands with the model.
func (m *queueModel) check(t *rapid.T) {
	queued := len(m.late)
	for c := range 3 {
		id := m.b.Identify(number(c))
		var want []string
		for _, x := range m.queue[c] {
			want = append(want, x.id)
		}
		queued += len(want)
		if got := m.b.rdb.LRange(m.b.ctx, store.OutKey(id), 0, -1).Val(); !slices.Equal(got, want) {
			t.Fatalf("queue %v, want %v", got, want)
		}
		for i, x := range m.queue[c] {
			_, dueErr := m.b.rdb.ZScore(m.b.ctx, store.DueKey(id.Shard), "s"+x.id).Result()
			holders := 0
			for _, boot := range m.boots {
				if m.b.rdb.SIsMember(m.b.ctx, store.HeldKey(id.Shard, boot.BootID()), x.id).Val() {
					holders++
					if x.holder != boot.BootID() {
						t.Fatalf("%s is held by another boot", x.id)
					}
				}
			}
			switch {
			case i > 0 && (dueErr == nil || holders > 0):
				t.Fatalf("%s waits behind another, and is due or held", x.id)
			case i == 0 && (dueErr == nil) == (holders == 1):
				t.Fatalf("%s is the head: due %v, held by %d", x.id, dueErr == nil, holders)
			case i == 0 && (x.holder != "") != (holders == 1):
				t.Fatalf("%s: held by %q, %d holders", x.id, x.holder, holders)
			}
		}
	}
	may := map[string]bool{}
	for _, x := range m.late {
		may["s"+x.id] = true
	}
	for c := range 3 {
		if h := m.head(c); h != nil && h.holder == "" {
			may["s"+h.id] = true
		}
	}
	stand := 0
	for _, shard := range m.shards() {
		for _, member := range m.b.rdb.ZRange(m.b.ctx, store.DueKey(shard), 0, -1).Val() {
			if member[0] == 's' && !may[member] {
				t.Fatalf("%s is due, and is not waiting", member)
			}
		}
		stand += int(m.b.rdb.ZCard(m.b.ctx, store.QueuedKey(shard)).Val())
	}
	if stand != queued {
		t.Fatalf("%d SMS are noted as queued, want %d", stand, queued)
	}
}

func (m *queueModel) shards() []int {
	var shards []int
	for c := range 3 {
		shards = append(shards, m.b.Identify(number(c)).Shard)
	}
	slices.Sort(shards)
	return slices.Compact(shards)
}

func TestTheOutboxAgainstItsModel(t *testing.T) {
	addr := sharedRedis(t)
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, addr)
		b.rdb.FlushAll(b.ctx)
		b.now = time.Now().Truncate(time.Second)
		m := &queueModel{b: b, boots: []*bench{b.other(), b.other()}, now: b.now, queue: map[int][]*modelSMS{}}
		rt.Repeat(map[string]func(*rapid.T){
			"commit":    m.commit,
			"done":      m.done,
			"release":   m.release,
			"claim":     m.claim,
			"take over": m.takeOver,
			"stale":     m.stale,
			"wait": func(t *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(1, 90).Draw(t, "minutes")) * time.Minute)
			},
			"": m.check,
		})
	})
}
