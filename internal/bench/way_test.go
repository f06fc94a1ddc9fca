package bench_test

import (
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"aduan/store/storetest"
)

const (
	outstanding = 50 // deliver_sm not acknowledged yet
	calm        = 300
	warmTime    = time.Second
	heard       = 1000            // messages that floor 2 plays back, at least
	wayTime     = 3 * time.Second // of each round
	floorTime   = 2 * time.Second // likewise
	calmTime    = 6 * time.Second
	idleTime    = 2 * time.Second
)

// roundsVar changes how many rounds are measured; default 5.
const roundsVar = "ADUAN_BENCH_ROUNDS"

func rounds() int {
	if n, err := strconv.Atoi(os.Getenv(roundsVar)); err == nil && n > 0 {
		return n
	}
	return 5
}

// BenchmarkWay is the full way of a complaint: deliver_sm → commit in a real Redis that syncs each write →
// deliver_sm_resp, and the SMS with the ticket's number out as submit_sm until what follows its response is stored.
// Way and floors take turns, since a machine is never equally fast for a minute; of each the median round counts.
func BenchmarkWay(b *testing.B) {
	// No rewrite of the append-only file: from an empty one it would come every few seconds here, and once a day in life.
	quiet := storetest.Options{Args: []string{"auto-aof-rewrite-percentage 0"}}
	redis, floorRedis := storetest.Start(b, quiet), storetest.Start(b, quiet)
	rep := &report{Time: time.Now().UTC().Format(time.RFC3339), Go: runtime.Version(), Cores: runtime.NumCPU()}

	g := newGenerator(b)
	d := startDaemon(b, build(b), g, redis)
	rec := record(b, redis)
	for tries := 0; g.position().sms < heard && tries < 10; tries++ { // a busy machine needs longer
		g.closed(b, outstanding, warmTime) // warms it up, and is heard for floor 2
	}
	scripts := newFloor(b, floorRedis, redis, rec.pairs(b))
	rep.idle(b, d, redis)

	var way, bare, floor []*measure
	bareGenerator, barePid := startBare(b)
	d.profile()
	for range rounds() {
		way = append(way, closedLoop(b, g, d.pid(), redis.Pid(), wayTime))
		floor = append(floor, scripts.run(b))
		bare = append(bare, closedLoop(b, bareGenerator, barePid, 0, floorTime/2))
	}
	d.profile()
	d.metrics(b)
	rep.rounds(way, bare, floor)
	sync := fsyncs(b, redis.Dir(), calm, calmTime/2)
	rep.Fsync50, rep.Fsync99 = micros(sync.at(50)), micros(sync.at(99))
	rep.Rows = append(rep.Rows, nil)
	copy(rep.Rows[2:], rep.Rows[1:])
	rep.Rows[1] = openLoop(b, g, d.pid(), redis.Pid())
	d.stop(b)
	rep.write(b)
	full := rep.Rows[0]
	b.ReportMetric(full.PerSecond, "messages/s")
	b.ReportMetric(100*rep.OfFloor, "%floor2")
	b.ReportMetric(full.AckP99/1e3, "ack-p99-ms")
	b.ReportMetric(full.DaemonMicros, "daemon-µs/message")
	b.ReportMetric(full.RedisMicros, "redis-µs/message")
}

// idle is what the line costs while nothing comes.
func (r *report) idle(b *testing.B, d *daemon, redis *storetest.Redis) {
	cpu := &meter{pids: [2]int{d.pid(), redis.Pid()}}
	from := cpu.read(b)
	time.Sleep(idleTime)
	to := cpu.read(b)
	r.IdleCPU.Daemon = 100 * (to[0] - from[0]).Seconds() / idleTime.Seconds()
	r.IdleCPU.Redis = 100 * (to[1] - from[1]).Seconds() / idleTime.Seconds()
}

// rounds takes the median round of each way, and the median of the ratios within a round.
func (r *report) rounds(way, bare, floor []*measure) {
	var ofBare, ofFloor []float64
	for i := range way {
		ofBare = append(ofBare, way[i].PerSecond/bare[i].PerSecond)
		ofFloor = append(ofFloor, way[i].PerSecond/floor[i].PerSecond)
		r.Ratios = append(r.Ratios, ofFloor[i])
	}
	r.OfBare, r.OfFloor = median(ofBare), median(ofFloor)
	r.Rows = []*measure{
		middle("full way, 50 outstanding", way), middle("floor 1: bare ESME, no store", bare), middle("floor 2: the two scripts", floor),
	}
}

// closedLoop keeps 50 outstanding and measures all but the beginning and the end. A message counts when both its
// acknowledgement and its SMS have come.
func closedLoop(b *testing.B, g *generator, daemon, redis int, d time.Duration) *measure {
	m := &measure{}
	cpu := &meter{pids: [2]int{daemon, redis}}
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		g.closed(b, outstanding, warmTime/2+d+100*time.Millisecond)
	}()
	time.Sleep(warmTime / 2)
	from, used := g.position(), cpu.read(b)
	time.Sleep(d)
	to, use := g.position(), cpu.read(b)
	<-done
	m.fill(from, to, used, use)
	m.times(g.latencies(from, to))
	return m
}

// openLoop sends 300 a second, as a busy day does.
func openLoop(b *testing.B, g *generator, daemon, redis int) *measure {
	m := &measure{Name: "full way, 300 a second"}
	cpu := &meter{pids: [2]int{daemon, redis}}
	from, used := g.position(), cpu.read(b)
	g.open(b, calm, calmTime)
	to, use := g.position(), cpu.read(b)
	m.fill(from, to, used, use)
	m.times(g.latencies(from, to))
	return m
}

func (m *measure) fill(from, to position, used, use [2]time.Duration) {
	m.Messages = min(to.acks-from.acks, to.sms-from.sms)
	m.PerSecond = float64(m.Messages) / to.at.Sub(from.at).Seconds()
	m.DaemonMicros = micros(use[0]-used[0]) / float64(m.Messages)
	m.RedisMicros = micros(use[1]-used[1]) / float64(m.Messages)
}
