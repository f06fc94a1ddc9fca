package interop_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"aduan/internal/e2e/rig"
	"aduan/internal/testenv"
	"aduan/smpp/smsc"
)

// kannel is a bearerbox with its smsbox, which hands texts to a web server and takes them over HTTP.
type kannel struct {
	t    *testing.T
	send string // URL of the smsbox
	web  string // ours

	mu       sync.Mutex // guards below
	texts    map[string]string
	receipts map[string]string // states of a push, by its name
}

const kannelConf = `
group = core
admin-port = %[1]s
admin-password = secret
admin-interface = 127.0.0.1
smsbox-port = %[2]s
smsbox-interface = 127.0.0.1
log-file = %[3]s/bearerbox.log
log-level = 0
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
dlr-storage = internal
%[4]s

group = smsc
smsc = smpp
smsc-id = aduan
host = 127.0.0.1
port = %[5]s
transceiver-mode = true
smsc-username = %[6]s
smsc-password = %[7]s
system-type = ""
interface-version = 34
enquire-link-interval = 5
reconnect-delay = 1
%[8]s

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = %[9]s
sendsms-interface = 127.0.0.1
log-file = %[3]s/smsbox.log
log-level = 0

group = sendsms-user
username = u
password = p
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
concatenation = true
max-messages = 0
accept-x-kannel-headers = true
get-url = "%[10]s/in?from=%%p&to=%%P&coding=%%c&charset=%%C&text=%%b"
`

// startKannel starts both boxes on an SMSC, over TLS where there are keys.
func startKannel(t *testing.T, smscPort string, keys *keyPair) *kannel {
	t.Helper()
	if keys == nil {
		return startKannelWith(t, smscPort, "", "")
	}
	return startKannelWith(t, smscPort, "ssl-trusted-ca-file = "+keys.cert, "use-ssl = true")
}

// startKannelWith starts both boxes with some lines of their own for the core and the link; they are ended in order with
// the test.
func startKannelWith(t *testing.T, smscPort, core, link string) *kannel {
	t.Helper()
	bearerbox := testenv.Kannel(t)
	k := &kannel{t: t, texts: map[string]string{}, receipts: map[string]string{}}
	web := httptest.NewServer(http.HandlerFunc(k.serve))
	t.Cleanup(web.Close)
	k.web = web.URL
	dir := t.TempDir()
	ports := map[string]string{}
	for _, name := range []string{"admin", "smsbox", "send"} {
		_, port, err := net.SplitHostPort(testenv.FreeAddr(t))
		if err != nil {
			t.Fatal(err)
		}
		ports[name] = port
	}
	conf := filepath.Join(dir, "kannel.conf")
	text := fmt.Sprintf(kannelConf, ports["admin"], ports["smsbox"], dir, core, smscPort, rig.SystemID, rig.Password, link, ports["send"], web.URL)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k.send = "http://127.0.0.1:" + ports["send"] + "/cgi-bin/sendsms"
	k.box(dir, bearerbox, conf)
	await(t, "127.0.0.1:"+ports["smsbox"])
	k.box(dir, filepath.Join(filepath.Dir(bearerbox), "smsbox"), conf)
	await(t, "127.0.0.1:"+ports["send"])
	return k
}

// await waits until somebody listens.
func await(t *testing.T, addr string) {
	t.Helper()
	ok := rig.Poll(patience, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	if !ok {
		t.Fatalf("nobody listens on %s", addr)
	}
}

// box runs one of Kannel's processes until the test ends.
func (k *kannel) box(dir, program, conf string) {
	k.t.Helper()
	cmd := exec.Command(program, conf)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		hard := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		hard.Stop()
		if k.t.Failed() {
			name := filepath.Base(program)
			log, _ := os.ReadFile(filepath.Join(dir, name+".log"))
			k.t.Logf("%s:\n%s", name, log[max(0, len(log)-6000):])
		}
	})
}

// serve takes what smsbox tells.
func (k *kannel) serve(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch r.URL.Path {
	case "/in":
		text := q.Get("text")
		if strings.HasPrefix(strings.ToUpper(q.Get("charset")), "UTF-16") {
			units := make([]uint16, len(text)/2)
			for i := range units {
				units[i] = uint16(text[2*i])<<8 | uint16(text[2*i+1])
			}
			text = string(utf16.Decode(units))
		}
		k.texts[strings.TrimPrefix(q.Get("from"), "+")] = text
	case "/dlr":
		k.receipts[q.Get("push")] += q.Get("state") + " "
	}
	w.WriteHeader(http.StatusOK)
}

// wait polls what serve has taken.
func (k *kannel) wait(what string, have func() string, want func(string) bool) {
	k.t.Helper()
	var got string
	ok := rig.Poll(patience, func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		got = have()
		return want(got)
	})
	if !ok {
		k.t.Errorf("%s: Kannel has %q", what, got)
	}
}

// push asks smsbox to send a text.
func (k *kannel) push(to, text string, unicode bool) {
	k.t.Helper()
	q := url.Values{
		"username": {"u"}, "password": {"p"}, "from": {rig.ShortCode}, "to": {to}, "text": {text}, "charset": {"UTF-8"},
		"dlr-mask": {"3"}, "dlr-url": {k.web + "/dlr?push=" + to + "&state=%d"},
	}
	if unicode {
		q.Set("coding", "2")
	}
	resp, err := http.Get(k.send + "?" + q.Encode())
	if err != nil {
		k.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		k.t.Fatalf("sendsms answers %s", resp.Status)
	}
}

func TestKannelAsESME(t *testing.T) {
	for _, row := range []struct {
		name string
		form smsc.ReceiptForm
		tls  bool
	}{
		{name: "receipts as text", form: smsc.FormText},
		{name: "receipts as optional parameters", form: smsc.FormTLVs},
		{name: "over TLS", form: smsc.FormTextAndTLVs, tls: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var keys *keyPair
			if row.tls {
				pair := newKeyPair(t)
				keys = &pair
			}
			sim, port, file := simulator(t, smsc.Options{ReceiptForm: row.form}, keys)
			t.Run("both ways", func(t *testing.T) { // Kannel ends before the simulator
				k := startKannel(t, port, keys)
				if err := sim.WaitBound(within(t, patience), 1); err != nil {
					t.Fatal(err)
				}
				for _, talk := range talks {
					phone := sim.Phone(talk.phone)
					k.push(talk.phone, talk.text, talk.alphabet == "ucs2")
					inbox, err := phone.WaitSMS(within(t, patience), 1)
					if err != nil {
						t.Fatalf("%s: %v", talk.name, err)
					}
					if got := inbox[0]; got.Text != talk.text || got.Segments < talk.segments || got.Alphabet != talk.alphabet {
						t.Errorf("%s: the telephone reads %+v, want %q", talk.name, got, talk.text)
					}
					k.wait(talk.name+": receipt", func() string { return k.receipts[talk.phone] }, func(s string) bool { return strings.Contains(s, "1 ") })
					if err := phone.Send(rig.ShortCode, talk.text).Wait(within(t, patience)); err != nil {
						t.Fatalf("%s: %v", talk.name, err)
					}
					k.wait(talk.name+": text", func() string { return k.texts[talk.phone] }, func(s string) bool { return s == talk.text })
				}
			})
			if path := file(); path != "" {
				wellFormed(t, path, true)
			}
		})
	}
}

// With ssl-trusted-ca-file Kannel believes an SMSC only by that authority, and with ssl-client-certkey-file it shows a
// certificate of its own. Without the first it believes anybody; the name in the certificate it never compares.
func TestKannelVerifiesTheSMSCsCertificate(t *testing.T) {
	for _, row := range []struct {
		name        string
		names       []string // in the simulator's certificate; none: where it listens
		trust       string   // the simulator's, another, or nobody
		wants, show bool     // a client's certificate
		binds       bool
	}{
		{name: "of the authority that it trusts", trust: "the simulator's", binds: true},
		{name: "of another authority", trust: "another"},
		{name: "of whomever, where it was told of none", trust: "nobody", binds: true},
		{name: "of that authority for another name", names: []string{"smsc.example"}, trust: "the simulator's", binds: true},
		{name: "and shows its own where it is wanted", trust: "the simulator's", wants: true, show: true, binds: true},
		{name: "and is refused where it has none to show", trust: "the simulator's", wants: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			keys, other := newKeyPair(t, row.names...), newKeyPair(t)
			var tried atomic.Int32
			o := smsc.Options{TLS: keys.config(t)}
			o.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
				tried.Add(1)
				return nil, nil
			}
			if row.wants {
				o.TLS.ClientAuth, o.TLS.ClientCAs = tls.RequireAndVerifyClientCert, other.pool(t)
			}
			core := ""
			if ca := map[string]string{"the simulator's": keys.cert, "another": other.cert}[row.trust]; ca != "" {
				core = "ssl-trusted-ca-file = " + ca + "\n"
			}
			if row.show {
				core += "ssl-client-certkey-file = " + other.both(t)
			}
			sim, port, _ := simulator(t, o, &keys)
			t.Run("bind", func(t *testing.T) { // Kannel ends before the simulator
				startKannelWith(t, port, core, "use-ssl = true")
				bound := func() bool { return sim.Sessions() > 0 }
				if !rig.Poll(patience, func() bool { return bound() || tried.Load() > 2 }) {
					t.Fatal("Kannel does not come")
				}
				if bound() != row.binds {
					t.Errorf("Kannel binds: %v, want %v, at connection %d", bound(), row.binds, tried.Load())
				}
			})
		})
	}
}
