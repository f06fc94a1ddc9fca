package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
)

// From Redis into the archive and out again, by the real commands beside a daemon that runs.
func TestTheArchiveAndTheExportByTheirCommands(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Conf: func(c *rig.Config) { c.Set("retention.tickets", "1s") }})
	key := l.Daemon.APIKey("tickets:read", "tickets:write", "pii:read")
	p, other := citizen(l.SMSC), citizen(l.SMSC)
	kept(t, p.Send(rig.ShortCode, newReport()), other.Send(rig.ShortCode, newReport()))
	old, open := numberTold.FindString(reads(t, p, 1)[0].Text), numberTold.FindString(reads(t, other, 1)[0].Text)
	if status, body, err := l.Daemon.Post("/v1/tickets/"+old+"/status", key, "", map[string]any{"status": "rejected", "notify": false}); err != nil || status != 202 {
		t.Fatalf("%d %s %v", status, body, err)
	}
	if !rig.Poll(10*time.Second, func() bool {
		out, _ := l.Daemon.Try("", "archive", "--dry-run")
		return strings.Contains(out, "1 of 2 ticket(s) are due")
	}) {
		t.Fatal("nothing is due")
	}
	if out, code := l.Daemon.Try("", "archive"); code != 0 || !strings.Contains(out, "1 of 2 ticket(s) went into the archive, 0 are left") {
		t.Fatalf("archive: %d %s", code, out)
	}
	if status, _, err := l.Daemon.Get("/v1/tickets/"+old, key); err != nil || status != 404 {
		t.Errorf("the archived ticket: %d %v", status, err)
	}
	out, code := l.Daemon.Try("", "archive", "show", old)
	if code != 0 || !strings.Contains(out, `"jalan rusak`) && !strings.Contains(out, "jalan rusak") || strings.Contains(out, p.Number()) || !strings.Contains(out, "•") {
		t.Errorf("archive show: %d %s", code, out)
	}
	if out, code := l.Daemon.Try("", "archive", "show", open); code != 6 {
		t.Errorf("one that is not archived: %d %s", code, out)
	}
	if out, code := l.Daemon.Try("", "archive", "show", old, "--reveal"); code != 5 || strings.Contains(out, p.Number()) {
		t.Errorf("--reveal without a key: %d %s", code, out)
	}

	file := filepath.Join(t.TempDir(), "tickets.jsonl")
	if out, code := l.Daemon.Try("", "export", "-o", file); code != 0 || !strings.Contains(out, "2 ticket(s)") {
		t.Fatalf("export: %d %s", code, out)
	}
	b, err := os.ReadFile(file)
	if err != nil || strings.Count(string(b), "\n") != 2 || !strings.Contains(string(b), old) || !strings.Contains(string(b), open) || strings.Contains(string(b), p.Number()) {
		t.Errorf("exported %v: %s", err, b)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if out, code := l.Daemon.Try("", "export", "-o", file); code != 1 || !strings.Contains(out, "exists") {
		t.Errorf("over a file: %d %s", code, out)
	}
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := l.Daemon.Try("", "export", "--status", "rejected", "--reveal", "--key-file", keyFile); code != 0 || !strings.Contains(out, p.Number()) || strings.Contains(out, open) {
		t.Errorf("revealed: %d %s", code, out)
	}
	if out, code := l.Daemon.Try("", "export", "--status", "lost"); code != 2 {
		t.Errorf("an unknown status: %d %s", code, out)
	}
	kept(t, p.Send(rig.ShortCode, "CEK "+old))
	if told := reads(t, p, 2)[1].Text; !strings.Contains(told, "tidak ada pada laporan") {
		t.Errorf("CEK of an archived ticket: %q", told)
	}
	if out, code := l.Daemon.Try("", "erase", p.Number(), "--yes"); code != 0 {
		t.Fatalf("erase: %d %s", code, out)
	}
	out, code = l.Daemon.Try("", "export", "--reveal", "--key-file", keyFile)
	if code != 0 || strings.Contains(out, p.Number()) || strings.Count(out, "jalan rusak") != 1 || !strings.Contains(out, old) {
		t.Errorf("after the erasure: %d %s", code, out)
	}
}
