package bench_test

import (
	"runtime"
	"testing"
	"time"

	"aduan/store/storetest"
)

const (
	outstanding = 50 // deliver_sm not acknowledged yet
	calm        = 300
	warmTime    = time.Second
	wayTime     = 8 * time.Second
	floorTime   = 4 * time.Second
	calmTime    = 10 * time.Second
	idleTime    = 3 * time.Second
)

// BenchmarkWay is the full way of a complaint: deliver_sm → commit in a real Redis that syncs each write →
// deliver_sm_resp, and the SMS with the ticket's number out as submit_sm until what follows its response is stored.
func BenchmarkWay(b *testing.B) {
	redis := storetest.Start(b, storetest.Options{})
	bin := build(b)
	rep := &report{Time: time.Now().UTC().Format(time.RFC3339), Go: runtime.Version(), Cores: runtime.NumCPU()}

	g := newGenerator(b)
	d := startDaemon(b, bin, g, redis)
	rec := record(b, redis)
	g.closed(b, outstanding, warmTime) // warms it up, and is heard for floor 2
	pairs := rec.pairs(b)

	cpu := &meter{pids: [2]int{d.pid(), redis.Pid()}}
	from := cpu.read(b)
	time.Sleep(idleTime)
	to := cpu.read(b)
	rep.IdleCPU.Daemon = 100 * (to[0] - from[0]).Seconds() / idleTime.Seconds()
	rep.IdleCPU.Redis = 100 * (to[1] - from[1]).Seconds() / idleTime.Seconds()

	d.profile()
	way := closedLoop(b, g, d.pid(), redis.Pid(), wayTime)
	way.Name = "full way, 50 outstanding"
	d.profile()
	sync := fsyncs(b, redis.Dir(), calm, calmTime/2)
	rep.Fsync50, rep.Fsync99 = micros(sync.at(50)), micros(sync.at(99))
	slow := openLoop(b, g, d.pid(), redis.Pid())
	slow.Name = "full way, 300 a second"
	d.stop(b)

	bareESME := floorBare(b)
	bareESME.Name = "floor 1: bare ESME, no store"
	scripts := floorScripts(b, redis, pairs)
	scripts.Name = "floor 2: the two scripts"

	rep.Rows = []*measure{way, slow, bareESME, scripts}
	rep.OfBare, rep.OfFloor = way.PerSecond/bareESME.PerSecond, way.PerSecond/scripts.PerSecond
	rep.write(b)
	b.ReportMetric(way.PerSecond, "messages/s")
	b.ReportMetric(100*rep.OfFloor, "%floor2")
	b.ReportMetric(way.AckP99/1e3, "ack-p99-ms")
	b.ReportMetric(way.DaemonMicros, "daemon-µs/message")
	b.ReportMetric(way.RedisMicros, "redis-µs/message")
}

// closedLoop keeps 50 outstanding and measures all but the beginning and the end. A message counts when both its
// acknowledgement and its SMS have come.
func closedLoop(b *testing.B, g *generator, daemon, redis int, d time.Duration) *measure {
	m := &measure{}
	cpu := &meter{pids: [2]int{daemon, redis}}
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		g.closed(b, outstanding, warmTime+d+100*time.Millisecond)
	}()
	time.Sleep(warmTime)
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
	m := &measure{}
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
