package smsc_test

import (
	"testing"

	"golang.org/x/sync/errgroup"

	"aduan/smpp"
	"aduan/smpp/smsc"
)

// What the simulator alone costs as the peer of a benchmark: a client that
// writes without waiting and reads what comes.
func BenchmarkSubmit(b *testing.B) {
	_, addr := serve(b, smsc.Options{JournalLimit: -1, InboxLimit: 10, Receipts: smsc.ReceiptsNever})
	e := bind(b, addr, smpp.CmdBindTransmitter)
	one, err := smpp.AppendMessage(nil, smpp.CmdSubmitSM, 7, sms("628111", "Laporan Anda diterima, nomor 4821-3769."))
	if err != nil {
		b.Fatal(err)
	}
	var batch []byte
	for range 50 {
		batch = append(batch, one...)
	}
	b.ResetTimer()
	var g errgroup.Group
	g.Go(func() error {
		for i := 0; i < b.N; i += 50 {
			if _, err := e.conn.Write(batch[:min(50, b.N-i)*len(one)]); err != nil {
				return err
			}
		}
		return nil
	})
	for range b.N {
		if _, err := e.frames.Next(); err != nil {
			b.Fatal(err)
		}
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submit/s")
}
