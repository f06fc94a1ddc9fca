package store_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"aduan/store"
)

func (b *bench) part(c store.Citizen, number, total int, text string) store.Part {
	return store.Part{
		Boot: b.BootID(), Deadline: time.Now().Add(5 * time.Second), Now: b.now, Timeout: 10 * time.Minute, Citizen: c,
		Destination: "1708", Ref: 7, Total: total, Number: number, Data: []byte(text), Digest: "d-" + text,
	}
}

func (b *bench) keepPart(p store.Part, want store.PartKind) store.PartOutcome {
	b.t.Helper()
	out, err := b.KeepPart(b.ctx, p)
	if err != nil {
		b.t.Fatal(err)
	}
	if out.Kind != want {
		b.t.Fatalf("part %d %q: kind %d, want %d", p.Number, p.Data, out.Kind, want)
	}
	return out
}

func TestSegmentsAreKeptAndJoined(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.keepPart(b.part(b.citizen(1), 2, 3, "b"), store.PartKept)
		c := b.citizen(1)
		if c.Version != 1 || c.State != nil {
			t.Fatalf("the citizen at hand: %+v", c)
		}
		b.keepPart(b.part(c, 2, 3, "b"), store.PartDuplicate)
		b.keepPart(b.part(b.other().citizen(1), 3, 3, "c"), store.PartStale)
		b.keepPart(b.part(c, 3, 3, "c"), store.PartKept)
		conflict := b.keepPart(b.part(c, 3, 3, "other"), store.PartConflict)
		if len(conflict.Group.Parts) != 2 || string(conflict.Group.Parts[3]) != "c" {
			t.Fatalf("group %+v", conflict.Group)
		}
		whole := b.keepPart(b.part(c, 1, 3, "a"), store.PartWhole)
		g := whole.Group
		if len(g.Parts) != 3 || string(g.Parts[1])+string(g.Parts[2])+string(g.Parts[3]) != "abc" || g.Total != 3 || g.Joined {
			t.Fatalf("group %+v", g)
		}
		b.keepPart(b.part(c, 1, 3, "a"), store.PartWhole) // not joined yet: the copy joins it

		join := b.turn(c)
		join.Tickets = []store.TicketWrite{{Serial: 4, New: true, Head: []byte("{}")}}
		join.Join = &store.GroupJoin{Key: g.Ref.Key, Version: g.Version, Ticket: 4, Field: "x1"}
		_, c = b.mustKeep(join)
		if out := b.commit(func() *store.Turn { u := b.turn(c); u.Join = join.Join; return u }()); out.Kind != store.GroupChanged {
			t.Errorf("joined twice: %v", out.Kind)
		}
		tomb, ok, err := b.Group(b.ctx, g.Ref)
		if err != nil || !ok || !tomb.Joined || len(tomb.Parts) != 0 || tomb.JoinedTicket != 4 || tomb.JoinedField != "x1" {
			t.Fatalf("tombstone %+v, %v, %v", tomb, ok, err)
		}
		if n := b.rdb.ZCard(b.ctx, store.DueKey(c.ID.Shard)).Val(); n != 0 {
			t.Errorf("%d entries are still due", n)
		}
		b.keepPart(b.part(c, 1, 3, "a"), store.PartDuplicate)
		// Another content for a part that came: references recur, a new group begins.
		b.keepPart(b.part(c, 1, 3, "new"), store.PartKept)
		fresh, _, _ := b.Group(b.ctx, g.Ref)
		if fresh.Joined || len(fresh.Parts) != 1 || fresh.Version <= g.Version || b.rdb.TTL(b.ctx, store.GroupKey(c.ID, g.Ref.Key)).Val() > 0 {
			t.Errorf("new group %+v", fresh)
		}
	})
}

func TestAGapIsFilledOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.keepPart(b.part(b.citizen(1), 1, 2, "a"), store.PartKept)
		c := b.citizen(1)
		got := b.claim(b.now.Add(10 * time.Minute))
		if len(got.Groups) != 1 {
			t.Fatalf("due groups %v", got.Groups)
		}
		if again := b.claim(b.now.Add(10*time.Minute + store.Lease - time.Second)); len(again.Groups) != 0 {
			t.Fatal("claimed twice within the lease")
		}
		g, ok, err := b.Group(b.ctx, got.Groups[0])
		if err != nil || !ok || len(g.Parts) != 1 || g.Citizen.Version != 1 {
			t.Fatalf("group %+v, %v, %v", g, ok, err)
		}
		join := b.turn(c)
		join.Join = &store.GroupJoin{Key: g.Ref.Key, Version: g.Version, Ticket: 4, Field: "x1"}
		_, c = b.mustKeep(join)
		gap := b.keepPart(b.part(c, 2, 2, "b"), store.PartGap)
		if gap.Group.JoinedTicket != 4 || gap.Group.JoinedField != "x1" {
			t.Fatalf("gap %+v", gap.Group)
		}
		fill := b.turn(c)
		fill.Fill = &store.GroupFill{Key: g.Ref.Key, Number: 2, Digest: "d-b"}
		_, c = b.mustKeep(fill)
		b.keepPart(b.part(c, 2, 2, "b"), store.PartDuplicate)
		twice := b.turn(c)
		twice.Fill = fill.Fill
		before := b.dump()
		if out := b.commit(twice); out.Kind != store.GroupChanged {
			t.Fatalf("filled twice: %v", out.Kind)
		}
		if !maps.Equal(before, b.dump()) {
			t.Error("something was written")
		}
	})
}

func TestGroupsOfOneReferenceAreApart(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.keepPart(b.part(b.citizen(1), 1, 2, "a"), store.PartKept)
		b.keepPart(b.part(b.citizen(2), 2, 2, "b"), store.PartKept) // another citizen, the same reference
		c := b.citizen(1)
		for _, change := range []func(p *store.Part){
			func(p *store.Part) { p.Destination = "1709" },
			func(p *store.Part) { p.Ref = 8 },
			func(p *store.Part) { p.Wide = true },
			func(p *store.Part) { p.Total = 3 },
		} {
			p := b.part(c, 2, 2, "b")
			change(&p)
			b.keepPart(p, store.PartKept)
		}
		b.keepPart(b.part(c, 2, 2, "b"), store.PartWhole)
	})
}

// A ninth long SMS that begins asks for the oldest to be joined; what ended makes room, and other citizens have their own.
func TestOpenGroupsOfACitizenAreFew(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		begin := func(c store.Citizen, ref uint16, over bool, want store.PartKind) store.PartOutcome {
			t.Helper()
			p := b.part(c, 2, 3, fmt.Sprint("b", ref))
			p.Ref, p.Over = ref, over
			return b.keepPart(p, want)
		}
		join := func(c store.Citizen, g store.Group) store.Citizen {
			t.Helper()
			turn := b.turn(c)
			turn.Join = &store.GroupJoin{Key: g.Ref.Key, Version: g.Version}
			_, c = b.mustKeep(turn)
			return c
		}
		c := begin(b.citizen(1), 1, false, store.PartKept).Citizen
		for ref := uint16(2); ref <= store.MaxOpenGroups; ref++ {
			begin(c, ref, false, store.PartKept)
		}
		begin(b.citizen(2), 1, false, store.PartKept)
		before := b.dump()
		full := begin(c, 9, false, store.PartFull)
		if !maps.Equal(before, b.dump()) {
			t.Error("something was written")
		}
		if len(full.Group.Parts) != 1 || string(full.Group.Parts[2]) != "b1" || full.Group.Total != 3 {
			t.Fatalf("the oldest: %+v", full.Group)
		}
		more := b.part(c, 3, 3, "c") // of one that is open
		more.Ref = 5
		b.keepPart(more, store.PartKept)

		c = join(c, full.Group)
		begin(c, 9, false, store.PartKept)
		if full = begin(c, 10, false, store.PartFull); string(full.Group.Parts[2]) != "b2" {
			t.Fatalf("the oldest now: %+v", full.Group)
		}
		begin(c, 10, true, store.PartKept) // where the oldest cannot be joined
		late := b.part(c, 1, 3, "a")
		late.Ref = 1
		b.keepPart(late, store.PartGap)
		other := b.part(c, 2, 3, "new") // the reference of what was joined has come round
		other.Ref = 1
		if out := b.keepPart(other, store.PartFull); string(out.Group.Parts[2]) != "b2" {
			t.Fatalf("%+v", out.Group)
		}
		// A group that is damaged holds up nobody.
		b.rdb.HSet(b.ctx, store.GroupKey(c.ID, full.Group.Ref.Key), "p2", "damaged")
		b.keepPart(other, store.PartKept)
	})
}
