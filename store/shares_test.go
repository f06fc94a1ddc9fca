package store_test

import (
	"context"
	"testing"
	"time"

	"aduan/store"
	"aduan/store/storetest"
)

// A heartbeat says which links are up; what a boot that has gone said is taken away.
func TestAHeartbeatSaysWhichLinksAreUp(t *testing.T) {
	s, r := storetest.Open(t)
	ctx, rdb := t.Context(), r.Client()
	rdb.HSet(ctx, "{line}:sends", "gone", `["main"]`)
	beat, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- s.RunBoot(beat, store.BootEvents{Links: func() []string { return []string{"main", "alt"} }})
	}()
	deadline := time.Now().Add(10 * time.Second)
	for s.Daemons("main") != 1 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if n, down := s.Daemons("alt"), s.Daemons("down"); n != 1 || down != 0 {
		t.Errorf("a link that is up is divided among %d, one that is down among %d", n, down)
	}
	got := rdb.HGetAll(ctx, "{line}:sends").Val()
	if len(got) != 1 || got[s.BootID()] != `["alt","main"]` {
		t.Errorf("said: %v", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// From the first renewal to the last: what one daemon says, and when it may send.
func TestALinkCountsOnceItIsNamedAndLeavesInOrder(t *testing.T) {
	var s store.Shares
	up := []string{"main"}
	s.SetUp(func() []string { return up })
	now := time.Unix(0, 0)
	other := []string{"main"} // what the other daemon says
	beat := func() []string {
		named := s.Named(now)
		s.Answered(now, now, named, map[string][]string{"we": named, "other": other})
		return named
	}
	at := func(d time.Duration, want int) {
		t.Helper()
		for end := now.Add(d); now.Before(end); now = now.Add(100 * time.Millisecond) {
			if now.Sub(time.Unix(0, 0))%time.Second == 0 {
				beat()
			}
		}
		if n, _ := s.Daemons("main", now); n != want {
			t.Errorf("after %v: divided among %d, want %d", now.Sub(time.Unix(0, 0)), n, want)
		}
	}
	if n, ask := s.Daemons("main", now); n != 0 || ask {
		t.Errorf("before the first answer: %d, %v", n, ask)
	}
	at(3400*time.Millisecond, 0)
	at(200*time.Millisecond, 2)
	other = []string{} // it may not send any more
	at(time.Second, 1)
	other = nil // an older version
	at(time.Second, 2)
	up = nil
	at(4*time.Second, 2)
	at(3*time.Second, 0)
	if named := beat(); named == nil || len(named) > 0 {
		t.Errorf("down for 7 s, it says %q", named)
	}
	up = []string{"main"}
	if n, ask := s.Daemons("main", now); n != 0 || !ask {
		t.Errorf("up again, not named yet: %d, %v", n, ask)
	}
	if n, ask := s.Daemons("main", now); n != 0 || ask {
		t.Errorf("asked for once: %d, %v", n, ask)
	}
}
