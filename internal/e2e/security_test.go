package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/internal/e2e/rig"
	"aduan/internal/testenv"
	"aduan/smpp"
	"aduan/store/storetest"
)

// cmdlines are the command lines of a process and of those that it started.
func cmdlines(t *testing.T, pid int) string {
	t.Helper()
	var all strings.Builder
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue // it has ended
		}
		rest := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
		fields := strings.Fields(rest)
		if filepath.Base(dir) != fmt.Sprint(pid) && (len(fields) < 2 || fields[1] != fmt.Sprint(pid)) {
			continue
		}
		b, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		all.WriteString(strings.ReplaceAll(string(b), "\x00", " ") + "\n")
	}
	return all.String()
}

// A secret stands in no list of processes, log, metric, answer, or word of a command, a managed server's neither.
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	server := os.Getenv("ADUAN_REDIS_SERVER")
	if server == "" {
		t.Skip("no redis-server")
	}
	l := rig.NewLine(t, rig.Options{Cold: true})
	const hook = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	l.Config.Set("store.mode", "managed")
	l.Config.Set("store.addresses", []string{})
	l.Config.Set("case_system.webhook.url", "http://127.0.0.1:9/")
	l.Config.Set("case_system.webhook.secret", hook)
	l.Daemon.Env = []string{"PATH=" + filepath.Dir(server) + ":" + os.Getenv("PATH")}
	l.Daemon.Start()
	l.Daemon.WaitReady()
	key := l.Daemon.APIKey("tickets:read")
	kept(t, citizen(l.SMSC).Send(rig.ShortCode, newReport()))
	master, err := os.ReadFile(l.Config.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := cmdlines(t, l.Daemon.Pid())
	if !strings.Contains(lines, "redis-server") || !strings.Contains(lines, "serve") {
		t.Fatalf("this test sees no processes: %s", lines)
	}
	_, metrics, err := l.Daemon.Get("/metrics", "")
	if err != nil {
		t.Fatal(err)
	}
	check, _ := l.Daemon.Try("", "check")
	status, _ := l.Daemon.Try("", "status", "-o", "json")
	doctor, _ := l.Daemon.Try("", "doctor")
	if _, err := os.Stat(filepath.Join(l.Config.DataDir, "redis.conf")); err == nil {
		t.Error("the managed server's settings, its password among them, stand in a file")
	}
	for name, secret := range map[string]string{
		"the link's password": rig.Password, "the webhook's secret": hook, "the API key": key, "its secret part": key[strings.LastIndexByte(key, '_')+1:],
		"the key file": string(master), "the key file in hexadecimal": fmt.Sprintf("%x", master),
	} {
		for where, text := range map[string]string{
			"the list of processes": lines, "the log": l.Daemon.Log(), "the metrics": string(metrics), "check": check, "status": status, "doctor": doctor,
		} {
			if strings.Contains(text, secret) {
				t.Errorf("%s stands in %s", name, where)
			}
		}
	}
	for _, dir := range []string{l.Config.DataDir} {
		if where := found(t, dir, map[string]string{"the API key": key, "the key file": string(master)}); len(where) > 0 {
			t.Errorf("in the store: %v", where)
		}
	}
}

// The slow log is where who may look at Redis, and nobody else, would see ARGV: what is told there of a citizen is sealed.
func TestTheSlowLogTellsNothing(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Redis: storetest.Options{Args: []string{"slowlog-log-slower-than 0", "slowlog-max-len 100000"}}})
	p := citizen(l.SMSC)
	kept(t, p.Send(rig.ShortCode, "RAHASIA pungutan liar di pasar Kramat"), p.Send(rig.ShortCode, "di loket nomor tiga"))
	reads(t, p, 2)
	slow := fmt.Sprint(l.Redis.Client().SlowLogGet(context.Background(), -1).Val())
	if !strings.Contains(slow, "evalsha") {
		t.Fatal("the slow log holds no script: this test sees nothing")
	}
	for _, secret := range []string{p.Number()[2:], "pungutan", "Kramat", "loket"} {
		if strings.Contains(slow, secret) {
			t.Errorf("the slow log tells %q", secret)
		}
	}
}

// What comes from outside forms no second line in the log, no key of another kind, no command.
func TestNothingFromOutsideIsTakenForOurs(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{})
	l.Daemon.Stop()
	l.Config.Set("log.level", "debug")
	l.Daemon.Start()
	l.Daemon.WaitReady()
	bad := []string{
		"LAPOR x\n{\"level\":\"error\",\"msg\":\"forged\"}", "LAPOR \x1b[2J\x1b]0;forged\x07 \u202e lubang", "LAPOR ]]..redis.call('flushall')..[[",
		"LAPOR {07}:c:x {line}:keys", "LAPOR ../../../etc/passwd", "LAPOR %s%n%d $(reboot) `reboot`", "LAPOR \x00\x00 nul",
	}
	for _, text := range bad {
		kept(t, citizen(l.SMSC).Send(rig.ShortCode, text))
	}
	odd := citizen(l.SMSC)
	kept(t, odd.SendPDU(&smpp.Message{
		Source: smpp.Address{TON: 5, Addr: "x\nforged\x1b[31m"}, Destination: smpp.Address{NPI: 1, Addr: rig.ShortCode}, ShortMessage: []byte("halo"),
	}))
	for _, path := range []string{"/v1/tickets/%0a{\"msg\":\"forged\"}", "/v1/tickets/../../etc/passwd", "/v1/messages/%1b[2Jforged", "/x%0d%0aSet-Cookie:forged"} {
		c, err := net.Dial("tcp", l.Config.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer forged\x1b\r\nUser-Agent: forged\x1b[2J\r\nConnection: close\r\n\r\n", path, l.Config.HTTP)
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		answer, _ := bufio.NewReader(c).ReadString(0)
		_ = c.Close()
		if strings.Contains(answer, "forged") || strings.Contains(answer, "Set-Cookie") {
			t.Errorf("%s is echoed: %s", path, answer)
		}
	}
	if n := tickets(t, l); n < len(bad)-1 { // NULs are what cannot be read
		t.Errorf("%d tickets of %d texts stand", n, len(bad))
	}
	for line := range strings.Lines(l.Daemon.Log()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil && strings.HasPrefix(line, "{") {
			t.Errorf("a log line is no JSON: %q", line)
		}
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r < ' ' || r == 0x202e }) {
			t.Errorf("a log line holds control characters: %q", line)
		}
		if fields["msg"] == "forged" {
			t.Errorf("a log line is forged: %s", line)
		}
	}
}

// The ACL of docs/operate.md is enough for all that a line does, and for nothing else.
func TestTheDocumentedACLIsEnough(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```\nuser aduan (.*?)```").FindStringSubmatch(string(b))
	if block == nil {
		t.Fatal("docs/operate.md has no ACL")
	}
	l := rig.NewLine(t, rig.Options{Cold: true})
	ctx := context.Background()
	rules := strings.Fields(strings.ReplaceAll(block[1], "PASSWORD", "right"))
	args := []any{"ACL", "SETUSER", "aduan", "reset"}
	for _, r := range rules {
		args = append(args, r)
	}
	if err := l.Redis.Client().Do(ctx, args...).Err(); err != nil {
		t.Fatal(err)
	}
	l.Config.Set("store.username", "aduan")
	l.Config.Set("store.password", "right")
	l.Daemon.Start()
	l.Daemon.WaitReady()
	key := l.Daemon.APIKey("tickets:read", "tickets:write", "operate", "pii:read")
	p := citizen(l.SMSC)
	kept(t, p.Send(rig.ShortCode, newReport()), p.Send(rig.ShortCode, longReport()))
	number := numberTold.FindString(reads(t, p, 1)[0].Text)
	if status, body, err := l.Daemon.Post("/v1/tickets/"+number+"/status", key, "k1", map[string]any{"status": "verified", "external_id": "x1"}); err != nil || status != 202 {
		t.Errorf("%d %s %v", status, body, err)
	}
	for _, path := range []string{"/v1/tickets/" + number, "/v1/tickets", "/v1/events", "/metrics"} {
		if status, body, err := l.Daemon.Get(path, key); err != nil || status != 200 {
			t.Errorf("%s: %d %s %v", path, status, body, err)
		}
	}
	for _, command := range [][]string{{"status"}, {"trace", number}, {"keys", "list"}, {"export"}, {"archive", "--dry-run"}, {"report"}, {"doctor", "--link", "main"}, {"erase", p.Number(), "--yes"}} {
		if out, code := l.Daemon.Try("", command...); code != 0 {
			t.Errorf("aduan %s: %d %s", command[0], code, out)
		}
	}
	l.Daemon.Stop()
	if log := l.Daemon.Log(); strings.Contains(log, "NOPERM") {
		t.Errorf("something is not permitted: %s", regexp.MustCompile(`[^\n]*NOPERM[^\n]*`).FindString(log))
	}
	if denied, err := l.Redis.Client().Do(ctx, "ACL", "LOG").Slice(); err != nil || len(denied) > 0 {
		t.Errorf("refused: %v, %v", denied, err)
	}
	c := redis.NewClient(&redis.Options{Addr: l.Redis.Addr(), Username: "aduan", Password: "right", DisableIdentity: true, Protocol: 2})
	defer func() { _ = c.Close() }()
	for _, command := range [][]any{
		{"FLUSHALL"},
		{"KEYS", "*"},
		{"CONFIG", "SET", "dir", "/tmp"},
		{"SHUTDOWN"},
		{"MONITOR"},
		{"ACL", "LIST"},
		{"GET", "other"},
		{"REPLICAOF", "127.0.0.1", "1"},
		{"MIGRATE", "127.0.0.1", "1", "x", "0", "1"},
		{"MODULE", "LIST"},
	} {
		if err := c.Do(ctx, command...).Err(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("%v is not refused: %v", command, err)
		}
	}
}
