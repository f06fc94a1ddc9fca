package interop_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aduan/internal/capture"
	"aduan/internal/e2e/rig"
	"aduan/internal/testenv"
	"aduan/smpp"
)

// keyPair is a certificate that is its own authority, in files; of 127.0.0.1, unless names are given.
type keyPair struct{ cert, key string }

func newKeyPair(t testing.TB, names ...string) keyPair {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if len(names) > 0 {
		template.IPAddresses, template.DNSNames, template.Subject.CommonName = nil, names, names[0]
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return keyPair{cert: write("cert.pem", "CERTIFICATE", cert), key: write("key.pem", "PRIVATE KEY", key)}
}

// config is how a server with this certificate speaks TLS.
func (k keyPair) config(t testing.TB) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(k.cert, k.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
}

// pool holds the certificate as an authority.
func (k keyPair) pool(t testing.TB) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(k.cert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatal("no certificate")
	}
	return pool
}

// both is a file that holds certificate and key.
func (k keyPair) both(t testing.TB) string {
	t.Helper()
	var all []byte
	for _, name := range []string{k.cert, k.key} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	path := filepath.Join(t.TempDir(), "both.pem")
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// recordingProxy stands before an SMSC and writes down what passes, until file is called.
func recordingProxy(t *testing.T, smsc string) (addr string, file func() string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "link.pcap")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := capture.NewWriter(out, capture.About{Link: "main", Began: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, smsc: smsc, w: w}
	var all sync.WaitGroup
	all.Go(func() { p.accept(ln, &all) })
	end := sync.OnceFunc(func() {
		_ = ln.Close()
		p.closeAll()
		all.Wait()
		if err := w.Close(time.Now(), capture.Summary{PDUs: w.PDUs()}); err != nil {
			t.Error(err)
		}
		_ = out.Close()
	})
	t.Cleanup(end)
	return ln.Addr().String(), func() string { end(); return path }
}

type proxy struct {
	t    *testing.T
	smsc string

	mu    sync.Mutex // guards all below
	w     *capture.Writer
	conns []net.Conn
}

func (p *proxy) accept(ln net.Listener, all *sync.WaitGroup) {
	for {
		esme, err := ln.Accept()
		if err != nil {
			return
		}
		smsc, err := net.Dial("tcp", p.smsc)
		if err != nil {
			_ = esme.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, esme, smsc)
		p.mu.Unlock()
		all.Go(func() { p.pass(esme, smsc, esme, true) })
		all.Go(func() { p.pass(smsc, esme, esme, false) })
	}
}

func (p *proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
}

// pass hands PDUs on, one by one; the ESME's connection names the session.
func (p *proxy) pass(from, to, esme net.Conn, out bool) {
	frames := smpp.NewFrameReader(from, 0)
	for {
		frame, err := frames.Next()
		if err != nil {
			_ = to.(*net.TCPConn).CloseWrite()
			return
		}
		p.mu.Lock()
		err = p.w.PDU(smpp.Tapped{
			At: time.Now(), Session: esme.RemoteAddr().String(), Local: esme.RemoteAddr(), Remote: esme.LocalAddr(), Out: out, Octets: frame,
		})
		p.mu.Unlock()
		if err != nil {
			p.t.Error(err)
		}
		if _, err := to.Write(frame); err != nil {
			return
		}
	}
}

// beginCapture runs aduan capture on the line's daemon; what it returns waits for the end and gives the file.
func beginCapture(t *testing.T, l *rig.Line, unredacted bool) (file func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "link.pcap")
	args := []string{"capture", "-c", l.Config.Path, "--link", "main", "--for", "0", path}
	if unredacted {
		args = append(args, "--unredacted")
	}
	cmd := exec.Command(rig.Build(t), args...)
	cmd.Env = append(os.Environ(), "ADUAN_KEY="+l.Daemon.APIKey("pii:read"))
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, unless the test failed before
	begun := regexp.MustCompile(`"msg":"a capture begins".*"unredacted":` + strconv.FormatBool(unredacted))
	if !rig.Poll(patience, func() bool { return begun.MatchString(l.Daemon.Log()) }) {
		t.Fatalf("the capture never began: %s", said.String())
	}
	return func() string {
		t.Helper()
		if err := cmd.Wait(); err != nil || !strings.Contains(said.String(), "the daemon stops") {
			t.Errorf("aduan capture: %v: %s", err, said.String())
		}
		return path
	}
}

// What tshark says of a field that it cannot read, or does not know.
var complaints = regexp.MustCompile(`(?i)malformed|unknown|reserved|unreassembled|bad checksum|incorrect|\[Expert Info \((warn|error)|illegal|invalid`)

// harmlessComplaints are none: a type of number that is called Unknown, bits that are not set, a connection whose
// beginning is not there, a part of an SMS that is joined further down.
var harmlessComplaints = regexp.MustCompile(`^(Type of number|Numbering plan indicator)( \([a-z]+\))?: Unknown \(0x00\)$|: Not set$|^\[Window size scaling factor: -1 \(unknown\)\]$|^Unreassembled Short Message fragment \d of \d$`)

// wellFormed has tshark dissect a capture, without being told the port: each packet is SMPP, and every field of it is
// known and well formed. Texts stand in it where it is unredacted, and nowhere else.
func wellFormed(t *testing.T, file string, unredacted bool) {
	t.Helper()
	tshark := testenv.Tshark(t)
	run := func(args ...string) string {
		cmd := exec.Command(tshark, append([]string{"-r", file, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"}, args...)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("tshark %v: %v\n%s", args, err, stderr.String())
		}
		return string(out)
	}
	packets := strings.Split(strings.TrimSpace(run("-T", "fields", "-e", "frame.protocols", "-e", "smpp.command_id", "-e", "tcp.analysis.flags", "-e", "tcp.port")), "\n")
	if len(packets) < 10 {
		t.Errorf("only %d packets", len(packets))
	}
	for i, p := range packets {
		fields := strings.Split(p, "\t")
		if !strings.Contains(fields[0], ":tcp:smpp") || fields[1] == "" || fields[2] != "" {
			t.Errorf("packet %d of %d: %q; want SMPP with a command and nothing that TCP wonders at", i+1, len(packets), p)
		}
	}
	all := run("-V", "-O", "smpp,tcp,ip,gsm_sms,gsm_sms_ud")
	told := map[string]bool{}
	nodes := false // node-smpp calls GSM 7-bit data_coding 1, which is ASCII: an @ is a NUL there. We never write 1.
	for line := range strings.Lines(all) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "Data coding: ") {
			nodes = strings.HasSuffix(line, "(0x01)")
		}
		if nodes && strings.Contains(line, "Trailing stray characters") {
			continue
		}
		if complaints.MatchString(line) && !harmlessComplaints.MatchString(line) && !told[line] {
			told[line] = true
			t.Errorf("tshark says: %s", line)
		}
	}
	if !strings.Contains(all, "Short message fragments") && !strings.Contains(all, "Short Message fragments") {
		t.Error("tshark joins no long SMS")
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text := bytes.Contains(raw, []byte("LAPOR")); text != unredacted {
		t.Errorf("a text stands in it: %v, want %v", text, unredacted)
	}
	if number := bytes.Contains(raw, []byte("62813000000")); number != unredacted {
		t.Errorf("a number stands in it: %v, want %v", number, unredacted)
	}
}
