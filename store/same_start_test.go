package store_test

import (
	"testing"
	"time"

	"aduan/store"
)

// Two long SMS of one telephone with one reference (some always send the same) that begin alike: the first part of the
// second looks like a copy of the first's, until its other part shows that it is not. No part that came is missing.
func TestTwoLongSMSWithOneReferenceThatBeginAlike(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		b.keepPart(b.part(c, 1, 2, "same"), store.PartKept)
		c = b.citizen(1)
		g := b.keepPart(b.part(c, 2, 2, "one"), store.PartWhole).Group
		join := b.turn(c)
		join.Join = &store.GroupJoin{Key: g.Ref.Key, Version: g.Version}
		_, c = b.mustKeep(join)

		b.keepPart(b.part(c, 1, 2, "same"), store.PartDuplicate)
		g = b.keepPart(b.part(c, 2, 2, "two"), store.PartWhole).Group
		if string(g.Parts[1]) != "same" || string(g.Parts[2]) != "two" {
			t.Fatalf("parts %v", g.Parts)
		}
		join = b.turn(c)
		join.Join = &store.GroupJoin{Key: g.Ref.Key, Version: g.Version}
		_, c = b.mustKeep(join)

		// A copy of long ago is of the message of then.
		b.keepPart(b.part(c, 1, 2, "same"), store.PartDuplicate)
		b.now = b.now.Add(time.Hour)
		if g = b.keepPart(b.part(c, 2, 2, "three"), store.PartKept).Group; len(g.Parts) != 1 {
			t.Fatalf("parts %v", g.Parts)
		}
	})
}
