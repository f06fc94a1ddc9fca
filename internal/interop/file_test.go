package interop_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aduan/internal/capture"
	"aduan/internal/testenv"
	"aduan/smpp"
)

// A capture's packets are as a network's: over IPv6 too, and a PDU that fits no packet is joined again.
func TestTsharkJoinsWhatIsLong(t *testing.T) {
	tshark := testenv.Tshark(t)
	for _, row := range []struct{ name, us, smsc string }{
		{name: "IPv4", us: "10.1.2.3", smsc: "192.0.2.7"},
		{name: "IPv6", us: "2001:db8::1", smsc: "2001:db8::7"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "long.pcap")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			w, err := capture.NewWriter(f, capture.About{Link: "main", Comment: "for the test", Began: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			p := smpp.Tapped{
				At: time.Now(), Session: "s", Local: &net.TCPAddr{IP: net.ParseIP(row.us), Port: 40123}, Remote: &net.TCPAddr{IP: net.ParseIP(row.smsc), Port: 5016},
			}
			for i := range 4 {
				m := &smpp.Message{
					Source: smpp.Address{TON: 1, NPI: 1, Addr: "628123456789"}, Destination: smpp.Address{Addr: "1708"},
					TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte(strings.Repeat("a", 1+i*20_000))}},
				}
				if p.Octets, err = smpp.AppendMessage(nil, smpp.CmdDeliverSM, uint32(i+1), m); err != nil {
					t.Fatal(err)
				}
				p.Out = false
				if err := w.PDU(p); err != nil {
					t.Fatal(err)
				}
				p.Octets, p.Out = smpp.AppendHeader(nil, smpp.CmdDeliverSMResp, smpp.StatusRXTAPPN, uint32(i+1)), true
				if err := w.PDU(p); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(time.Now(), capture.Summary{PDUs: w.PDUs(), Why: "done"}); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(tshark, "-r", path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
				"-Y", "smpp or tcp.analysis.flags or tcp.checksum.status == 0 or ip.checksum.status == 0", "-T", "fields",
				"-e", "smpp.command_id", "-e", "smpp.command_length", "-e", "tcp.analysis.flags", "-e", "_ws.malformed").Output()
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			want := "0x00000005\t20054\t\t"
			if len(lines) != 8 || strings.TrimRight(lines[2], "\t") != strings.TrimRight(want, "\t") {
				t.Errorf("tshark reads\n%s\nwant 8 PDUs, the third %q", out, want)
			}
		})
	}
}
