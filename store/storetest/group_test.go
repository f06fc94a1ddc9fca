package storetest_test

import (
	"testing"
	"time"

	"aduan/store/storetest"
)

// A master that is cut off is replaced while clients still reach it, and follows the new one when it returns.
func TestAMasterThatIsCutOffIsReplaced(t *testing.T) {
	began := time.Now()
	s := storetest.StartSentinels(t, storetest.SentinelOptions{})
	t.Logf("up after %v", time.Since(began))
	old := s.Master()
	if old != s.Nodes[0] {
		t.Fatalf("the master is %v", old)
	}
	s.Isolate(old)
	if err := old.Client().Set(t.Context(), "lost", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	s.WaitFailover(old)
	t.Logf("another master after %v", time.Since(began))
	s.Heal()
	s.Follow()
	if n, err := s.Client().Exists(t.Context(), "lost").Result(); err != nil || n != 0 {
		t.Errorf("what only the old master had: %d %v", n, err)
	}
	s.WaitWhole()
}

// A cluster's master is cut off, and its replica has its slots.
func TestAClustersMasterThatIsCutOffIsReplaced(t *testing.T) {
	began := time.Now()
	c := storetest.StartCluster(t)
	t.Logf("up after %v", time.Since(began))
	if err := c.Client().Set(t.Context(), "{07}:x", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	old := c.Owner("{07}:x")
	c.Isolate(old)
	began = time.Now()
	c.WaitFailover(old)
	t.Logf("another master after %v", time.Since(began))
	c.Heal()
	c.WaitWhole()
	if c.Owner("{07}:x") == old {
		t.Error("it still has its slots")
	}
	c.MoveSlot("{07}:x", func() {})
}
