package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
)

// R11: behind sentinels the master is killed, and it is cut off while the daemon still writes to it; then it returns.
// Nothing that was acknowledged is lost, and nobody is told of a ticket that does not stand.
func TestR11_MasterKilledAndCutOff(t *testing.T) {
	t.Parallel()
	storm{citizens: 100, each: 4, kills: 1, cuts: 1, failed: 1, parted: 1, on: rig.Sentinels}.rage(t)
}

// R12: in a cluster a master is killed, and one is cut off, and slots move under load (MOVED, ASK, TRYAGAIN).
func TestR12_ClusterUnderLoad(t *testing.T) {
	t.Parallel()
	storm{citizens: 100, each: 4, kills: 1, cuts: 1, failed: 1, parted: 1, moved: 2, on: rig.Cluster}.rage(t)
}

// TestCrashManaged is the storm on a redis-server that the daemon runs itself: it dies with the daemon, and alone.
func TestCrashManaged(t *testing.T) {
	t.Parallel()
	storm{citizens: 60, each: 4, kills: 3, cuts: 2, children: 2, on: rig.Managed}.rage(t)
}

// nodeFaults are what befalls the servers of a store that has several, or that the daemon runs itself.
func (s storm) nodeFaults(l *rig.Line, random *rand.Rand, pause func(time.Duration)) []fault {
	var all []fault
	add := func(n int, f func(t *testing.T, i int, send func())) {
		for i := range n {
			all = append(all, func(t *testing.T, send func()) { t.Helper(); f(t, i, send) })
		}
	}
	switch s.on {
	case rig.Sentinels:
		add(s.failed, func(t *testing.T, _ int, send func()) { t.Helper(); masterKilled(t, l, send, pause) })
		add(s.parted, func(t *testing.T, i int, send func()) { t.Helper(); masterCutOff(t, l, i, send, pause) })
	case rig.Cluster:
		add(s.failed, func(t *testing.T, _ int, send func()) { t.Helper(); nodeKilled(t, l, random, send, pause) })
		add(s.parted, func(t *testing.T, _ int, send func()) { t.Helper(); nodeCutOff(t, l, random, send, pause) })
		add(s.moved, func(t *testing.T, _ int, send func()) { t.Helper(); slotMoved(l, random, send) })
	case rig.Managed:
		add(s.children, func(t *testing.T, _ int, send func()) { t.Helper(); childKilled(t, l, send, pause) })
	case rig.Single:
	}
	return all
}

func masterKilled(t *testing.T, l *rig.Line, send func(), pause func(time.Duration)) {
	t.Helper()
	l.Sentinels.WaitWhole()
	l.Daemon.WaitReady()
	old := l.Sentinels.Master()
	send()
	pause(150 * time.Millisecond)
	old.Kill()
	m := l.Sentinels.WaitFailover(old)
	pause(500 * time.Millisecond)
	l.Sentinels.Return(old, m)
	l.Sentinels.Follow()
}

// masterCutOff: every other time the daemon does not hear of the new master either, and goes on writing to the old one;
// and every third time nobody but the sentinels makes the old one a replica.
func masterCutOff(t *testing.T, l *rig.Line, i int, send func(), pause func(time.Duration)) {
	t.Helper()
	l.Sentinels.WaitWhole()
	l.Daemon.WaitReady()
	old := l.Sentinels.Master()
	l.Sentinels.Isolate(old)
	if i%2 == 0 {
		l.Sentinels.Blind()
	}
	send()
	l.Sentinels.WaitFailover(old)
	pause(time.Second)
	l.Sentinels.Heal()
	if i%3 != 2 {
		l.Sentinels.Follow()
	}
	l.Sentinels.WaitWhole()
}

func nodeKilled(t *testing.T, l *rig.Line, random *rand.Rand, send func(), pause func(time.Duration)) {
	t.Helper()
	l.Cluster.WaitWhole()
	l.Daemon.WaitReady()
	masters := l.Cluster.Masters()
	old := masters[random.IntN(len(masters))]
	send()
	pause(150 * time.Millisecond)
	old.Kill()
	l.Cluster.WaitFailover(old)
	pause(500 * time.Millisecond)
	l.Cluster.Return(old)
	l.Cluster.WaitWhole()
}

func nodeCutOff(t *testing.T, l *rig.Line, random *rand.Rand, send func(), pause func(time.Duration)) {
	t.Helper()
	l.Cluster.WaitWhole()
	l.Daemon.WaitReady()
	masters := l.Cluster.Masters()
	old := masters[random.IntN(len(masters))]
	l.Cluster.Isolate(old)
	send()
	l.Cluster.WaitFailover(old)
	pause(time.Second)
	l.Cluster.Heal()
	l.Cluster.WaitWhole()
}

// slotMoved moves a shard, key by key, while its citizens write.
func slotMoved(l *rig.Line, random *rand.Rand, send func()) {
	l.Cluster.WaitWhole()
	l.Daemon.WaitReady()
	sent := false
	l.Cluster.MoveSlot(fmt.Sprintf("{%02d}:due", random.IntN(100)), func() {
		if !sent {
			send()
			sent = true
		}
		time.Sleep(2 * time.Millisecond) // so that messages meet the slot in between
	})
	if !sent { // a shard without keys
		send()
	}
}

func childKilled(t *testing.T, l *rig.Line, send func(), pause func(time.Duration)) {
	t.Helper()
	l.Daemon.WaitReady()
	send()
	pause(120 * time.Millisecond)
	for line := range strings.Lines(l.Keeper.Client().Info(context.Background(), "server").Val()) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "process_id:"); ok {
			pid, err := strconv.Atoi(id)
			if err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
				t.Errorf("the daemon's redis-server is not killed: %v", err)
			}
		}
	}
	pause(2 * time.Second)
}
