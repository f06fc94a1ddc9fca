package smpp_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"aduan/smpp"
)

// turner answers each delivery and sends an SMS for it, as a daemon without a store would.
type turner struct {
	link  *smpp.Link
	turns chan *smpp.Delivery
}

func (h *turner) Deliver(d *smpp.Delivery) { h.turns <- d }
func (h *turner) Proven([]*smpp.Delivery)  {}
func (h *turner) SessionClosed(string)     {}
func (h *turner) work(b *testing.B) {
	for d := range h.turns {
		d.Respond(smpp.StatusROK)
		slot, err := h.link.Acquire(context.Background())
		if err != nil {
			return
		}
		if _, err := slot.Submit(context.Background(), sms("Laporan Anda 4821-3769 sudah kami terima. Di mana tepatnya?")); err != nil {
			b.Error(err)
		}
		slot.Release()
	}
}

// BenchmarkTurn is the link alone over TCP: deliver_sm in, its response, a
// submit_sm, its response; so many turns at once. The bare loop beside it moves
// the same octets by hand, with nothing decoded.
func BenchmarkTurn(b *testing.B) {
	for _, window := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("link/window=%d", window), func(b *testing.B) { benchLink(b, window) })
		b.Run(fmt.Sprintf("bare/window=%d", window), func(b *testing.B) { benchBare(b, window) })
	}
}

func benchLink(b *testing.B, window int) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	h := &turner{turns: make(chan *smpp.Delivery, window)}
	h.link, err = smpp.NewLink(smpp.LinkOptions{
		Name: "bench", Address: ln.Addr().String(), Window: window, Handler: h, Metrics: smpp.NewMetrics(nil), ShutdownTimeout: time.Second,
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.link.Run(ctx) }()
	for range window {
		go h.work(b)
	}
	conn, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	p := newPeer(b, conn).bound()
	for !h.link.Bound() {
		<-h.link.Changes()
	}
	measure(b, conn, window)
	cancel()
	go p.takeLeave()
	<-ended
	close(h.turns)
}

// measure plays the SMSC: it keeps window turns under way.
func measure(b *testing.B, conn net.Conn, window int) {
	deliver := deliverSM(1, "LAPOR jalan rusak di depan pasar Minggu, lubangnya dalam sekali")
	b.ReportAllocs()
	b.ResetTimer()
	r := bufio.NewReaderSize(conn, 64<<10)
	var out []byte
	begun, ended := 0, 0
	begin := func() {
		if begun < b.N {
			begun++
			out = append(out, deliver...)
			binary.BigEndian.PutUint32(out[len(out)-len(deliver)+12:], uint32(begun&0x7FFFFFFF))
		}
	}
	for range window {
		begin()
	}
	var buf [512]byte
	for ended < b.N {
		if r.Buffered() == 0 && len(out) > 0 {
			if _, err := conn.Write(out); err != nil {
				b.Fatal(err)
			}
			out = out[:0]
		}
		if _, err := io.ReadFull(r, buf[:16]); err != nil {
			b.Fatal(err)
		}
		head := smpp.ParseHeader(buf[:16])
		if _, err := io.ReadFull(r, buf[16:head.Length]); err != nil {
			b.Fatal(err)
		}
		switch head.ID {
		case smpp.CmdSubmitSM:
			out, _ = smpp.AppendResp(out, smpp.CmdSubmitSMResp, 0, head.Seq, "")
			ended++
			begin()
		case smpp.CmdEnquireLink:
			out = smpp.AppendHeader(out, smpp.CmdEnquireLinkResp, 0, head.Seq)
		}
	}
	if _, err := conn.Write(out); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "turns/s")
}

// benchBare answers with ready octets: what the network and the peer cost.
func benchBare(b *testing.B, window int) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		r := bufio.NewReaderSize(conn, 64<<10)
		submit := must(smpp.AppendMessage(nil, smpp.CmdSubmitSM, 1, sms("Laporan Anda 4821-3769 sudah kami terima. Di mana tepatnya?")))
		var buf [512]byte
		var out []byte
		for {
			if r.Buffered() == 0 && len(out) > 0 {
				if _, err := conn.Write(out); err != nil {
					return
				}
				out = out[:0]
			}
			if _, err := io.ReadFull(r, buf[:16]); err != nil {
				return
			}
			head := smpp.ParseHeader(buf[:16])
			if _, err := io.ReadFull(r, buf[16:head.Length]); err != nil {
				return
			}
			if head.ID == smpp.CmdDeliverSM {
				out, _ = smpp.AppendResp(out, smpp.CmdDeliverSMResp, 0, head.Seq, "")
				out = append(out, submit...)
			}
		}
	}()
	conn, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	measure(b, conn, window)
	_ = conn.Close()
	<-done
}
