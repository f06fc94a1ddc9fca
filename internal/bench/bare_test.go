package bench_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"

	"aduan/smpp"
)

// bareVar makes this test binary the bare ESME of floor 1, in a process of its own, as the daemon is.
const bareVar = "ADUAN_BENCH_BARE"

func TestMain(m *testing.M) {
	if addr := os.Getenv(bareVar); addr != "" {
		if err := bare(addr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(peerVar) != "" {
		if err := peerMain(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// bare binds, and answers each deliver_sm at once with ESME_ROK and a submit_sm: no store, no state, no parsing but
// what finds the sender.
func bare(addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	out, err := smpp.AppendBind(nil, 1, &smpp.Bind{ID: smpp.CmdBindTransceiver, SystemID: "aduan", Password: "secret", InterfaceVersion: 0x34})
	if err != nil {
		return err
	}
	answer, err := smpp.AppendMessage(nil, smpp.CmdSubmitSM, 1, &smpp.Message{
		Source: smpp.Address{TON: 3, Addr: "1708"}, Destination: smpp.Address{TON: 1, NPI: 1, Addr: numberPrefix + "00000000"},
		RegisteredDelivery: 1,
		ShortMessage:       []byte("Laporan Anda kami terima dengan nomor 1000-1234. Di mana tepatnya kejadiannya?"),
	})
	if err != nil {
		return err
	}
	const from = headerLen + 1 + 2
	to := headerLen + 1 + 2 + len("1708") + 1 + 2
	r := bufio.NewReaderSize(conn, 64<<10)
	frame := make([]byte, 1024)
	for seq := uint32(2); ; {
		if r.Buffered() < headerLen && len(out) > 0 {
			if _, err := conn.Write(out); err != nil {
				return err
			}
			out = out[:0]
		}
		if _, err := io.ReadFull(r, frame[:headerLen]); err != nil {
			return nil // the end
		}
		n := binary.BigEndian.Uint32(frame)
		if _, err := io.ReadFull(r, frame[headerLen:n]); err != nil {
			return err
		}
		if binary.BigEndian.Uint32(frame[4:]) != deliverSM {
			continue
		}
		if out, err = smpp.AppendResp(out, smpp.CmdDeliverSM.Response(), 0, binary.BigEndian.Uint32(frame[12:]), ""); err != nil {
			return err
		}
		at := len(out)
		out = append(out, answer...)
		binary.BigEndian.PutUint32(out[at+12:], seq)
		copy(out[at+to:], frame[from:from+len(numberPrefix)+numberDigits])
		seq++
	}
}

// startBare is floor 1: a generator of its own, and the bare ESME bound to it.
func startBare(b *testing.B) (*generator, int) {
	g := newGenerator(b)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), bareVar+"="+g.String())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	g.waitBound(b)
	return g, cmd.Process.Pid
}
