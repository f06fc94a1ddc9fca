package configs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"pgregory.net/rapid"

	"aduan/configs"
)

func TestASecretNeverPrints(t *testing.T) {
	c := example()
	l := c.SMPP.Links["main"]
	l.Password = configs.NewSecret("canary")
	c.SMPP.Links["main"] = l
	s := l.Password
	printed := []string{s.String(), fmt.Sprint(c), fmt.Sprintf("%v %+v %#v", *c, l, l)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s"} {
		printed = append(printed, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, []configs.Secret{s}))
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	core, seen := observer.New(zapcore.DebugLevel)
	zap.New(core).Info("x", zap.Any("link", l), zap.Stringer("password", s))
	printed = append(printed, string(asJSON), fmt.Sprint(seen.All()))
	for _, p := range printed {
		if strings.Contains(p, "canary") || strings.Contains(p, "63616e617279") {
			t.Errorf("printed: %s", p)
		}
	}
	if s.Reveal() != "canary" {
		t.Error("Reveal hides it too")
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "10m": 10 * time.Minute, "24h": 24 * time.Hour, "30d": 720 * time.Hour,
		"1d12h": 36 * time.Hour, "1825d": 1825 * 24 * time.Hour, "0s": 0, "0": 0, "250ms": 250 * time.Millisecond,
	} {
		if got, err := configs.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "30", "1.5d", "-1d", "1d-1h", "1d+1h", "d1h", "3 days", "1dd", "106752d", "99999999999d", "106751d24h"} {
		if got, err := configs.ParseDuration(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestDurationsOfDaysAndTimesAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.IntRange(0, 100_000).Draw(t, "days")
		rest := time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "rest"))
		got, err := configs.ParseDuration(fmt.Sprintf("%dd%s", days, rest))
		if err != nil || got != time.Duration(days)*24*time.Hour+rest {
			t.Fatalf("%v %v", got, err)
		}
	})
}

func TestQuietHours(t *testing.T) {
	for text, want := range map[string]string{"": "", "21:00-06:00": "21:00-06:00", "9:05 - 17:30": "09:05-17:30"} {
		if q, err := configs.ParseQuietHours(text); err != nil || q.String() != want || q.On != (want != "") {
			t.Errorf("%q: %+v, %v", text, q, err)
		}
	}
	for _, text := range []string{"21-6", "21:00", "24:00-06:00", "21:60-06:00", "06:00-06:00", "-", "a-b"} {
		if q, err := configs.ParseQuietHours(text); err == nil {
			t.Errorf("%q is read as %v", text, q)
		}
	}
}

// FuzzLoad: whatever a file holds, it is read or told in lines, and a secret in it is not printed.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	for _, name := range append(files, "aduan.yaml") {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		name := filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := configs.Load(name)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v and %v", c, err)
		}
		if err == nil && c.Validate() != nil {
			t.Fatal("what Load takes, Validate refuses")
		}
	})
}

func TestValuesMadeByHandAreCheckedToo(t *testing.T) {
	if err := example().Validate(); err != nil {
		t.Errorf("the example: %v", err)
	}
	if err := configs.Defaults().Validate(); err == nil || !strings.Contains(err.Error(), "no link") {
		t.Errorf("no link: %v", err)
	}
}

func TestOnlyTheStoreAndTheListenerNeedARestart(t *testing.T) {
	a, b := example(), example()
	b.HTTP.Listen, b.Store.Kept.Replicas, b.Log.Level, b.SMPP.Links = ":1", 2, "debug", nil
	if got := fmt.Sprint(a.NeedsRestart(b)); got != "[store.kept.replicas http.listen]" {
		t.Error(got)
	}
	if got := a.NeedsRestart(example()); got != nil {
		t.Error(got)
	}
}

func TestPlainLinksOverPublicAddressesAreWarnedOf(t *testing.T) {
	for address, want := range map[string]int{
		"127.0.0.1:2775": 0, "10.1.2.3:2775": 0, "[fd00::1]:2775": 0, "smsc:2775": 0, "8.8.8.8:2775": 1, "[2606::1]:2775": 1,
	} {
		c := example()
		l := c.SMPP.Links["main"]
		l.Address = address
		c.SMPP.Links["main"] = l
		if got := c.Warnings(); len(got) != want {
			t.Errorf("%s: %q", address, got)
		}
		l.TLS.Enabled = true
		c.SMPP.Links["main"] = l
		if got := c.Warnings(); len(got) != 0 {
			t.Errorf("%s by TLS: %q", address, got)
		}
	}
}

func TestTLSIsAlwaysVerified(t *testing.T) {
	off, err := configs.ClientTLS{}.Config("smsc:2775")
	if off != nil || err != nil {
		t.Fatalf("%v %v", off, err)
	}
	on, err := configs.ClientTLS{Enabled: true}.Config("smsc.example.net:2775")
	if err != nil || on.ServerName != "smsc.example.net" || on.InsecureSkipVerify || on.MinVersion < 0x0303 {
		t.Fatalf("%+v %v", on, err)
	}
	named, err := configs.ClientTLS{Enabled: true, ServerName: "other"}.Config("smsc.example.net:2775")
	if err != nil || named.ServerName != "other" {
		t.Fatalf("%+v %v", named, err)
	}
}

// What the exposure is made of, also where nothing measures it.
func TestTheUnitSaysWhatHardensIt(t *testing.T) {
	b, err := os.ReadFile("aduan.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"DynamicUser=yes", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "ProtectHome=yes", "PrivateDevices=yes",
		"PrivateTmp=yes", "ProtectKernelModules=yes", "ProtectProc=invisible", "RestrictNamespaces=yes", "RestrictSUIDSGID=yes",
		"MemoryDenyWriteExecute=yes", "SystemCallFilter=@system-service", "UMask=0077", "LimitNOFILE=65536", "Environment=GOMEMLIMIT=512MiB",
	} {
		if !strings.Contains(string(b), "\n"+want+"\n") {
			t.Errorf("the unit has no %s", want)
		}
	}
}

func TestTheUnitIsHardened(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze: the unit's exposure goes unmeasured; install the package systemd")
	}
	out, err := exec.Command(tool, "security", "--offline=true", "--threshold=20", "./aduan.service").CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		t.Errorf("%v: %s", err, lines[len(lines)-1])
	}
}
