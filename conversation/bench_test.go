package conversation_test

import (
	"syscall"
	"testing"
	"time"

	"aduan/conversation"
)

// The longest path: politeness to be skipped, a command word with a lead, the
// guess over two segments of text, an institution and a place looked up, the
// question that follows, the reply.
var longest = conversation.SMS{
	Text: "Assalamualaikum wr wb pak admin yth, saya mau lapor jln provinsi di dpn pasar Pleret kab Bantul rusak parah sdh 3 bln tdk diperbaiki, lubangnya dalam, " +
		"byk yg jatuh apalagi mlm krn lampunya mati, truk tambang lewat trs siang malam, tolong dinas pupr segera menambalnya sblm ada korban, terima kasih banyak",
	NewNumber: conversation.NewNumber(42, 10001),
}

// cpu returns the time that this process had on a processor: on a machine
// that others use too the clock tells of them as well.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchmark(b *testing.B, s conversation.State, in conversation.SMS) {
	e := engine(b)
	b.ReportAllocs()
	start := cpu()
	for b.Loop() {
		e.Step(s, in, morning)
	}
	b.ReportMetric(float64(cpu()-start)/float64(b.N), "cpu-ns/op")
}

// BenchmarkStep files a long complaint, with all institutions loaded.
func BenchmarkStep(b *testing.B) { benchmark(b, conversation.State{}, longest) }

// BenchmarkStepAnswer answers a question of a citizen with a ticket.
func BenchmarkStepAnswer(b *testing.B) {
	s, _ := engine(b).Step(conversation.State{}, conversation.SMS{Text: "LAPOR jalan rusak", NewNumber: conversation.NewNumber(42, 10001)}, morning)
	benchmark(b, s, conversation.SMS{Text: "RT 3 RW 4 Kel Sukamaju", NewNumber: conversation.NewNumber(42, 10002)})
}

// mostAllocations of the longest path.
const mostAllocations = 40

func TestAStepAllocatesLittle(t *testing.T) {
	e := engine(t)
	if n, _ := shipped(t).Institutions(); n < 654 {
		t.Fatalf("only %d institutions are loaded", n)
	}
	_, fx := e.Step(conversation.State{}, longest, morning)
	if len(fx.Tickets) != 1 || fx.Tickets[0].Category == "" {
		t.Fatalf("the longest path is not taken: %+v", fx.Tickets)
	}
	if n := testing.AllocsPerRun(200, func() { e.Step(conversation.State{}, longest, morning) }); n >= mostAllocations {
		t.Errorf("%.0f allocations, want fewer than %d", n, mostAllocations)
	}
}
