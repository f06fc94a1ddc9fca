package bench_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aduan/smpp"
)

// peerVar makes this test binary the SMSC of the link's benchmark, in a process of its own: what it costs is not ours.
const peerVar = "ADUAN_BENCH_PEER"

// turns are the peer's: a deliver_sm, its response, a submit_sm, its response. So many are kept under way as the
// system_id of the bind says. All is answered with prepared bytes, and written at once for all that one read brought.
type turns struct {
	stop *atomic.Bool // no turn begins any more

	window           int
	begun, acks, sms int
	bad              int // deliver_sm_resp that were not ESME_ROK, PDUs of no turn
	told             bool
	out              []byte
	deliver, resp    []byte
}

// peerMain listens, tells where, and serves one connection after another. A line on stdin ends the turns; a tally is
// told when all are done. The end of stdin ends it all.
func peerMain(in io.Reader, out io.Writer) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var stop atomic.Bool
	go func() { // ends with the process
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			stop.Store(true)
		}
		os.Exit(0)
	}()
	fmt.Fprintln(out, ln.Addr())
	for {
		conn, err := ln.Accept()
		if err != nil {
			return err
		}
		stop.Store(false)
		t := &turns{stop: &stop}
		if t.deliver, err = smpp.AppendMessage(nil, smpp.CmdDeliverSM, 1, &smpp.Message{
			Source: smpp.Address{TON: 1, NPI: 1, Addr: numberPrefix + "00000000"}, Destination: smpp.Address{TON: 3, Addr: "1708"},
			ShortMessage: []byte(text + "aaaaaaaa"),
		}); err != nil {
			return err
		}
		if t.resp, err = smpp.AppendResp(nil, smpp.CmdSubmitSMResp, 0, 1, "00000000"); err != nil {
			return err
		}
		t.serve(conn, out)
	}
}

// serve plays until the connection ends.
func (t *turns) serve(conn net.Conn, tally io.Writer) {
	defer conn.Close() //nolint:errcheck // a peer's connection
	buf, n := make([]byte, 256<<10), 0
	for {
		got, err := conn.Read(buf[n:])
		if err != nil {
			return
		}
		n += got
		at := 0
		for n-at >= headerLen {
			l := int(binary.BigEndian.Uint32(buf[at:]))
			if l < headerLen || l > n-at {
				break
			}
			t.take(buf[at : at+l])
			at += l
		}
		n = copy(buf, buf[at:n])
		for t.begun-min(t.acks, t.sms) < t.window && !t.stop.Load() {
			t.begin()
		}
		if len(t.out) > 0 {
			if _, err := conn.Write(t.out); err != nil {
				return
			}
			t.out = t.out[:0]
		}
		if t.stop.Load() && !t.told && t.begun == t.acks && t.begun == t.sms {
			t.told = true
			fmt.Fprintln(tally, t.begun, t.bad)
		}
	}
}

func (t *turns) begin() {
	t.begun++
	at := len(t.out)
	t.out = append(t.out, t.deliver...)
	binary.BigEndian.PutUint32(t.out[at+12:], uint32(t.begun))
}

func (t *turns) take(f []byte) {
	seq := binary.BigEndian.Uint32(f[12:])
	switch id := binary.BigEndian.Uint32(f[4:]); id {
	case submitSM:
		t.sms++
		at := len(t.out)
		t.out = append(t.out, t.resp...)
		binary.BigEndian.PutUint32(t.out[at+12:], seq)
		for i, n := at+headerLen+7, seq; n > 0; i, n = i-1, n>>4 {
			t.out[i] = "0123456789abcdef"[n&15]
		}
	case deliverSM | response:
		t.acks++
		if binary.BigEndian.Uint32(f[8:]) != 0 {
			t.bad++
		}
	case bindTransceiver:
		t.window, _ = strconv.Atoi(strings.TrimPrefix(string(f[headerLen:headerLen+strings.IndexByte(string(f[headerLen:]), 0)]), "w"))
		t.out = append(smpp.AppendHeader(t.out, smpp.CommandID(id|response), 0, seq), 0)
		binary.BigEndian.PutUint32(t.out[len(t.out)-headerLen-1:], headerLen+1)
	case enquireLink, unbind:
		t.out = smpp.AppendHeader(t.out, smpp.CommandID(id|response), 0, seq)
	default:
		t.bad++
	}
}

// peer is the process, as the benchmark sees it.
type peer struct {
	addr  string
	pid   int
	in    io.Writer
	lines chan string
}

func startPeer(b *testing.B) *peer {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), peerVar+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &peer{pid: cmd.Process.Pid, in: in, lines: make(chan string, 4)}
	done := make(chan struct{})
	go func() { // ends with the process
		defer close(done)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	b.Cleanup(func() {
		_ = in.Close() // it ends itself
		<-done
		_ = cmd.Wait()
	})
	p.addr = p.line(b)
	return p
}

func (p *peer) line(b *testing.B) string {
	b.Helper()
	select {
	case l := <-p.lines:
		return l
	case <-time.After(15 * time.Second):
		b.Fatal("the peer says nothing")
		return ""
	}
}

// finish lets no turn begin, waits until all are done and holds the peer's tally against ours.
func (p *peer) finish(b *testing.B) (turns int) {
	b.Helper()
	if _, err := fmt.Fprintln(p.in); err != nil {
		b.Fatal(err)
	}
	var bad int
	if _, err := fmt.Sscan(p.line(b), &turns, &bad); err != nil || bad != 0 {
		b.Fatalf("the peer counts %d turns, %d PDUs that were wrong, %v", turns, bad, err)
	}
	return turns
}
