package bench_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"testing"
	"text/tabwriter"
	"time"

	"aduan/smpp"
	"aduan/store/storetest"
)

const (
	receiptSeq = 1 << 30 // sequence numbers of receipts; below: citizens' messages
	messageID  = 1 << 40 // the ids of our answers begin here: 11 hexadecimal digits, written alike in receipts

	besideRate  = 200 // citizens' messages a second
	besideTime  = 3 * time.Second
	floodRounds = 3
	floodKeep   = 200 // receipts that are not acknowledged yet; 16 of them may be on their way to the store
)

// flood is receipts of SMS that were accepted, one after another, again and again.
type flood struct {
	taken    []accepted
	next     int
	on       bool
	sent     []int64 // by receipt: when it was written, ns since begin
	took     latencies
	refused  int
	template []byte
	idAt     int
}

type accepted struct {
	message int
	id      uint64
}

func newFlood(b *testing.B) *flood {
	const words = "id:%011x sub:001 dlvrd:001 submit date:2611231530 done date:2611231531 stat:DELIVRD err:000 text:Laporan"
	body := fmt.Sprintf(words, messageID)
	f := &flood{}
	var err error
	if f.template, err = smpp.AppendMessage(nil, smpp.CmdDeliverSM, 1, &smpp.Message{
		Source: smpp.Address{TON: 1, NPI: 1, Addr: numberPrefix + "00000000"}, Destination: smpp.Address{TON: 3, Addr: "1708"},
		ESMClass: smpp.ESMReceipt, ShortMessage: []byte(body),
	}); err != nil {
		b.Fatal(err)
	}
	f.idAt = len(f.template) - len(body) + len("id:")
	return f
}

// receipt appends the next receipt. mu is held.
func (g *generator) receipt() {
	f := g.flood
	of := f.taken[f.next%len(f.taken)]
	f.next++
	from := len(g.out)
	g.out = append(g.out, f.template...)
	pdu := g.out[from:]
	binary.BigEndian.PutUint32(pdu[12:], uint32(receiptSeq+len(f.sent)))
	for k, n := numberDigits-1, of.message; k >= 0; k, n = k-1, n/10 {
		pdu[sourceAt+k] = '0' + byte(n%10)
	}
	copy(pdu[f.idAt:], strconv.FormatUint(messageID|of.id, 16))
	f.sent = append(f.sent, time.Since(g.begin).Nanoseconds())
}

// receiptAcked notes an acknowledgement, and sends another receipt while the flood lasts. mu is held.
func (g *generator) receiptAcked(i int, status uint32) {
	f := g.flood
	if f == nil || i >= len(f.sent) {
		return
	}
	f.took = append(f.took, time.Since(g.begin)-time.Duration(f.sent[i]))
	if status != 0 {
		f.refused++
	}
	if f.on {
		g.receipt()
	}
}

// pour begins the flood; the function that it returns ends it, and waits for its acknowledgements.
func (g *generator) pour(b *testing.B) (stop func()) {
	g.mu.Lock()
	g.flood.on = true
	for range floodKeep {
		g.receipt()
	}
	err := g.flush()
	g.mu.Unlock()
	if err != nil {
		b.Fatal(err)
	}
	return func() {
		g.mu.Lock()
		g.flood.on = false
		g.mu.Unlock()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			g.mu.Lock()
			sent, took := len(g.flood.sent), len(g.flood.took)
			g.mu.Unlock()
			if sent == took {
				return
			}
			if time.Now().After(deadline) {
				b.Fatalf("of %d receipts %d were acknowledged", sent, took)
			}
		}
	}
}

// BenchmarkReceipts is the citizens' messages at a calm rate, without and with a flood of receipts on the same session:
// rounds of both take turns, since a machine is never equally fast for a minute.
func BenchmarkReceipts(b *testing.B) {
	redis := storetest.Start(b, storetest.Options{Args: []string{"auto-aof-rewrite-percentage 0"}})
	g := newGenerator(b)
	g.flood = newFlood(b)
	d := startDaemon(b, build(b), g, redis)
	g.closed(b, outstanding, warmTime)
	var ack, sms [2]latencies
	var flooded time.Duration
	for range floodRounds {
		for i := range 2 {
			stop := func() {}
			if i == 1 {
				stop = g.pour(b)
			}
			from := g.position()
			g.open(b, besideRate, besideTime)
			to := g.position()
			stop()
			if i == 1 {
				flooded += time.Since(from.at)
			}
			a, s := g.latencies(from, to)
			ack[i], sms[i] = append(ack[i], a...), append(sms[i], s...)
		}
	}
	d.stop(b)
	f := g.flood
	perSecond := float64(len(f.took)) / flooded.Seconds()
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\n%d citizens' messages a second\tack p50\tack p99\tSMS p50\tSMS p99\treceipts/s\treceipt p50\treceipt p99\t\n", besideRate)
	ms := func(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1e3) }
	fmt.Fprintf(w, "alone\t%s\t%s\t%s\t%s\t\t\t\t\n", ms(ack[0].at(50)), ms(ack[0].at(99)), ms(sms[0].at(50)), ms(sms[0].at(99)))
	fmt.Fprintf(w, "beside %d receipts under way\t%s\t%s\t%s\t%s\t%.0f\t%s\t%s\t\n", floodKeep, ms(ack[1].at(50)), ms(ack[1].at(99)),
		ms(sms[1].at(50)), ms(sms[1].at(99)), perSecond, ms(f.took.at(50)), ms(f.took.at(99)))
	_ = w.Flush()
	fmt.Printf("%d receipts, %d of them put off (ESME_RX_T_APPN)\n\n", len(f.took), f.refused)
	b.ReportMetric(micros(ack[0].at(99))/1e3, "ack-p99-ms")
	b.ReportMetric(micros(ack[1].at(99))/1e3, "ack-p99-ms-flooded")
	b.ReportMetric(perSecond, "receipts/s")
}
