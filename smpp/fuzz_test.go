package smpp_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"aduan/smpp"
)

// answering is a consumer that touches all that it is given.
type answering struct{}

func (answering) Deliver(d *smpp.Delivery) {
	udh, text := d.Message.Content()
	_, _ = append(udh, 1), append(text, 1)
	d.Respond(smpp.StatusROK)
}
func (answering) Proven([]*smpp.Delivery) {}
func (answering) SessionClosed(string)    {}

// FuzzSession sends any octets to a bound session: it neither panics nor hangs,
// and a good PDU behind them is served, unless a false length ended the stream.
func FuzzSession(f *testing.F) {
	f.Add(deliverSM(1, "hi"))
	f.Add(annotated(f, "00000010 00000006 00000000 00000007"))
	f.Add(annotated(f, "00000010 80000004 00000000 00000001 00000010 80000015 00000000 00000002"))
	f.Add(annotated(f, "0000000f 00000015 00000000 00000007"))
	f.Add(annotated(f, "00000027 00000005 00000000 00000007 00 000000 000000 00 0000 0000 00000000 02 6869 02040009"))
	f.Add(pdu(smpp.CmdDataSM, 0, 9, []byte{0}))
	f.Fuzz(func(t *testing.T, octets []byte) {
		conns := make(chan net.Conn, 1)
		link, err := smpp.NewLink(smpp.LinkOptions{
			Name: "fuzz", Address: "a:1", Handler: answering{}, ShutdownTimeout: 4 * time.Millisecond, ReconnectMin: time.Hour,
			ResponseTimeout: 10 * time.Second,
			Dial: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := memPipe()
				conns <- theirs
				return ours, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- link.Run(ctx) }()
		p := newPeer(t, <-conns).bound()
		p.send(octets)
		if wholePDUs(octets) {
			p.header(smpp.CmdEnquireLink, 0, 0x7ABCDEF0)
			for {
				h, _, err := p.next()
				if err != nil {
					t.Fatalf("not served after %x: %v", octets, err)
				}
				if h.ID == smpp.CmdEnquireLinkResp && h.Seq == 0x7ABCDEF0 {
					break
				}
			}
		}
		cancel()
		var left sync.WaitGroup
		left.Go(func() {
			_, _ = io.Copy(io.Discard, p.conn)
			_ = p.conn.Close()
		})
		if err := <-ended; err != nil {
			t.Error(err)
		}
		left.Wait()
	})
}

// wholePDUs tells whether the octets are PDUs to the last, none of them an unbind.
func wholePDUs(octets []byte) bool {
	for len(octets) > 0 {
		h := smpp.ParseHeader(octets)
		if h.Length < smpp.HeaderLen || uint64(h.Length) > uint64(len(octets)) || h.ID == smpp.CmdUnbind {
			return false
		}
		octets = octets[h.Length:]
	}
	return true
}
