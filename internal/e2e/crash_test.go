package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp/smsc"
	"aduan/store/storetest"
)

// storm is complaints of many citizens while things are killed and cut.
type storm struct {
	citizens, each    int  // complaints of each citizen, one after another
	kills, cuts, down int  // SIGKILLs of the daemon, cuts of its connection to the SMSC, SIGKILLs of Redis
	handed            bool // events go to a case system
	two               bool // daemons on one store and one SMSC: what one has taken may come to the other again
	stalls, lost      int  // daemons that stand still for up to 7 s; connections to Redis cut in mid-answer or mid-question
	frozen            int  // times that Redis stands still for up to 6 s, as with a disk that does

	on       rig.Kind // what keeps the data
	failed   int      // masters killed
	parted   int      // masters cut off from the other nodes, while the daemon still reaches them
	moved    int      // slots of a cluster moved
	children int      // SIGKILLs of the daemon's own redis-server
}

// window of the link: how many SMS a crash or a cut may send twice.
const window = 10

// TestCrash is the promise of the whole: whatever is killed, what was acknowledged stands in exactly one ticket, and
// every ticket's number reaches its citizen. ADUAN_SEED repeats a run.
func TestCrash(t *testing.T) {
	storm{citizens: 500, each: 4, kills: 22, cuts: 22}.rage(t)
}

// TestCrashRedis is the same while Redis dies, too: the SMSC gets temporary errors meanwhile. And the case system hears of
// every ticket.
func TestCrashRedis(t *testing.T) {
	r := storm{citizens: 200, each: 4, kills: 4, cuts: 4, down: 5, handed: true}.rage(t)
	if r.Refused == 0 {
		t.Error("Redis was killed, and the SMSC got no temporary error")
	}
}

// TestCrashTwo is the same with two daemons on one store, each of them killed: what the one had taken comes to the other
// again, and what the one held the other takes over. Some stand still so long that they are taken for dead, and wake; and
// answers of Redis are lost.
func TestCrashTwo(t *testing.T) {
	storm{citizens: 250, each: 4, kills: 12, cuts: 12, two: true, stalls: 3, lost: 8}.rage(t)
}

func (s storm) rage(t *testing.T) rig.Report {
	seed := seed(t)
	s = s.times(size(t))
	random := rand.New(rand.NewPCG(seed, 0))
	l := rig.NewLine(t, rig.Options{
		SMSC: smsc.Options{Window: 100, JournalLimit: 1_000_000 * size(t)}, Store: s.on,
		Redis: storetest.Options{Args: []string{"auto-aof-rewrite-percentage 0"}},
		Case:  s.handed,
		Conf:  func(c *rig.Config) { c.Set("smpp.links.main.window", window) },
	})
	places := []place{{l.Daemon, l.Net}}
	if s.two {
		c, net := l.Config.Another(t), storetest.NewProxy(t, l.SMSC.Addr())
		c.Link("main", net.Addr())
		places = append(places, place{rig.StartDaemon(t, c), net})
	}
	complaints := s.complaints(random)
	faults := s.faults(l, places, random)
	began := time.Now()
	for i, fault := range faults {
		from, to := i*len(complaints)/len(faults), (i+1)*len(complaints)/len(faults)
		fault(t, func() {
			for _, c := range complaints[from:to] {
				l.SMSC.Phone(c.phone).Send(rig.ShortCode, c.text)
			}
		})
	}
	raged := time.Since(began)
	judge := rig.Judge{
		T: t, SMSCs: []*rig.SMSC{l.SMSC}, Keeper: l.Keeper, Config: l.Config, Case: l.Case,
		Doubles: window * (s.kills + s.cuts + s.down + s.stalls + s.failed + s.parted + s.moved + s.children),
	}
	for _, p := range places {
		p.daemon.WaitReady()
		judge.Daemons = append(judge.Daemons, p.daemon)
	}
	r := judge.Audit()
	if os.Getenv("TEST_LOG") != "" {
		t.Log(l.Daemon.Log())
	}
	t.Logf("seed %d: %d kills, %d cuts, %d deaths of Redis, %d of a master, %d partitions, %d slots moved in %v: %v",
		seed, s.kills, s.cuts, s.down+s.children, s.failed, s.parted, s.moved, raged.Round(time.Millisecond), r)
	if want := s.citizens * s.each; r.Acknowledged != want || r.Tickets != want {
		t.Errorf("%d complaints brought %d acknowledged texts and %d tickets", want, r.Acknowledged, r.Tickets)
	}
	for _, p := range places {
		if code := p.daemon.Stop(); code != 0 {
			t.Errorf("SIGTERM after it all ends the daemon with %d", code)
		}
	}
	return r
}

// size is ADUAN_CRASH_SIZE: how many times as large the storms are. The audit's figures at ten are in docs/reliability.md.
func size(t *testing.T) int {
	given := os.Getenv("ADUAN_CRASH_SIZE")
	if given == "" {
		return 1
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 {
		t.Fatalf("ADUAN_CRASH_SIZE: %q is no number from 1 on", given)
	}
	return n
}

// times is a storm of n times as many complaints and faults.
func (s storm) times(n int) storm {
	for _, count := range []*int{
		&s.citizens, &s.kills, &s.cuts, &s.down, &s.stalls, &s.lost, &s.frozen, &s.failed, &s.parted, &s.moved, &s.children,
	} {
		*count *= n
	}
	return s
}

// TestCrashFrozen is the same while Redis stands still again and again: answers come late, what was given up runs after
// all, and a boot that was out of touch begins anew.
func TestCrashFrozen(t *testing.T) {
	storm{citizens: 150, each: 4, kills: 3, cuts: 6, frozen: 8}.rage(t)
}

// seed is ADUAN_SEED, or a new one.
func seed(t *testing.T) uint64 {
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("ADUAN_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("ADUAN_SEED: %v", err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again with: ADUAN_SEED=%d go test -run '^%s$' ./internal/e2e", seed, t.Name())
		}
	})
	return seed
}

// place is a daemon and its way to the SMSC.
type place struct {
	daemon *rig.Daemon
	net    *storetest.Proxy
}

// fault does harm while send goes on.
type fault func(t *testing.T, send func())

// faults are the storm's in random order, each at a random moment.
func (s storm) faults(l *rig.Line, places []place, random *rand.Rand) []fault {
	pause := func(most time.Duration) { time.Sleep(time.Duration(random.Int64N(int64(most)))) } // the moment is chance, not a wait
	var all []fault
	for i := range s.kills {
		daemon := places[i%len(places)].daemon
		all = append(all, func(_ *testing.T, send func()) {
			send()
			pause(120 * time.Millisecond)
			daemon.Kill9()
			daemon.Start()
			if random.IntN(4) > 0 { // else the next fault meets it while it starts
				daemon.WaitReady()
			}
			if random.IntN(8) == 0 { // long enough that the dead boot is noticed and taken over
				pause(8 * time.Second)
			}
		})
	}
	for i := range s.cuts {
		net := places[i%len(places)].net
		all = append(all, func(_ *testing.T, send func()) {
			if i%3 > 0 { // in the middle of a PDU, one way or the other
				cuts := net.Cuts()
				net.CutAfter(storetest.Direction(random.IntN(2)), random.Int64N(4000))
				send()
				if rig.Poll(2*time.Second, func() bool { return net.Cuts() > cuts }) {
					return
				}
				net.CutAfter(storetest.ToServer, -1)
				net.CutAfter(storetest.ToClient, -1)
			} else {
				send()
				pause(120 * time.Millisecond)
			}
			net.Cut()
			pause(100 * time.Millisecond)
		})
	}
	for i := range s.stalls {
		daemon := places[i%len(places)].daemon
		all = append(all, func(_ *testing.T, send func()) {
			daemon.WaitReady()
			send()
			pause(60 * time.Millisecond)
			daemon.Signal(syscall.SIGSTOP)
			pause(7 * time.Second)
			daemon.Signal(syscall.SIGCONT)
		})
	}
	for i := range s.lost {
		all = append(all, func(_ *testing.T, send func()) {
			l.StoreNet.CutAfter(storetest.Direction(i%2), random.Int64N(20000))
			send()
			pause(200 * time.Millisecond)
		})
	}
	for range s.frozen {
		all = append(all, func(_ *testing.T, send func()) {
			l.Daemon.WaitReady()
			send()
			pause(100 * time.Millisecond)
			l.Redis.Stop()
			pause(6 * time.Second)
			l.Redis.Cont()
			pause(time.Second)
		})
	}
	for range s.down {
		all = append(all, func(t *testing.T, send func()) {
			l.Daemon.WaitReady()
			send()
			pause(120 * time.Millisecond)
			l.Redis.Kill()
			pause(3 * time.Second)
			l.Redis.Restart()
			pause(2 * time.Second)
		})
	}
	all = append(all, s.nodeFaults(l, random, pause)...)
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// complaint is one text of one citizen.
type complaint struct{ phone, text string }

// complaints are all texts: every citizen's in order, the citizens mixed.
func (s storm) complaints(random *rand.Rand) []complaint {
	all := make([]complaint, 0, s.citizens*s.each)
	for range s.each {
		for _, c := range random.Perm(s.citizens) {
			all = append(all, complaint{fmt.Sprintf("62812%07d", 3000000+c*7), text(random)})
		}
	}
	return all
}

var words = strings.Fields(`jalan rusak lampu mati sampah menumpuk air keruh trotoar pecah parkir liar saluran tersumbat
	banjir setiap hujan petugas lambat pungutan jembatan retak pohon tumbang di depan pasar dekat sekolah belakang kantor
	kelurahan sejak minggu lalu belum ditangani mohon segera diperbaiki`)

// text is a complaint of one to four segments, in the GSM alphabet or in UCS-2.
func text(random *rand.Rand) string {
	n := 4 + random.IntN(8)
	if random.IntN(6) == 0 {
		n = 24 + random.IntN(40) // two and more segments
	}
	parts := []string{"LAPOR"}
	for range n {
		parts = append(parts, words[random.IntN(len(words))])
	}
	parts[1+random.IntN(n)] += " " + rig.Token()
	if random.IntN(5) == 0 {
		parts[1+random.IntN(n)] += " 路灯坏了"
	}
	return strings.Join(parts, " ")
}
