package e2e_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp/smsc"
)

// flip changes one bit of a stored field.
func flip(t *testing.T, l *rig.Line, key, field string) {
	t.Helper()
	was, err := l.Redis.Client().HGet(context.Background(), key, field).Bytes()
	if err != nil {
		t.Fatalf("%s %s: %v", key, field, err)
	}
	was[len(was)-1] ^= 4
	if err := l.Redis.Client().HSet(context.Background(), key, field, was).Err(); err != nil {
		t.Fatal(err)
	}
}

// one gives the only key of a pattern.
func one(t *testing.T, l *rig.Line, pattern string) string {
	t.Helper()
	keys, err := l.Redis.Client().Keys(context.Background(), pattern).Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("%s: %v, %v", pattern, keys, err)
	}
	return keys[0]
}

var numberTold = regexp.MustCompile(`\d{4,}-\d{4}`)

// R4: a flipped bit that Redis loads without a word is never told to a citizen as true, and stops nobody.
func TestR4_WhatIsDamagedIsNeverTold(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{})
	p := citizen(l.SMSC)
	kept(t, p.Send(rig.ShortCode, newReport()))
	number := numberTold.FindString(reads(t, p, 1)[0].Text)
	ticket, owner := one(t, l, "{*}:t:*"), one(t, l, "{*}:c:*")

	l.Daemon.Stop()
	flip(t, l, ticket, "h")
	flip(t, l, owner, "s") // else the conversation tells what it holds itself, which is sealed
	l.Daemon.Start()
	l.Daemon.WaitReady()
	for i, ask := range []string{"CEK " + number, "STATUS " + number, "BATAL " + number} {
		kept(t, p.Send(rig.ShortCode, ask))
		told := reads(t, p, i+2)[i+1].Text
		if !strings.Contains(told, "tidak dapat kami baca") || strings.Contains(told, "diterima") {
			t.Errorf("%s is answered %q", ask, told)
		}
	}
	kept(t, p.Send(rig.ShortCode, "LANG EN"), p.Send(rig.ShortCode, "CHECK "+number))
	if told := reads(t, p, 6)[5].Text; !strings.Contains(told, "We cannot read that report") {
		t.Errorf("in English: %q", told)
	}
	stranger := citizen(l.SMSC)
	kept(t, stranger.Send(rig.ShortCode, "CEK "+number))
	if told := reads(t, stranger, 1)[0].Text; !strings.Contains(told, "tidak ada pada laporan Anda") {
		t.Errorf("a stranger learns that it is damaged: %q", told)
	}
	kept(t, p.Send(rig.ShortCode, newReport())) // and files as before
	reads(t, p, 7)
	if n := l.Daemon.Metric("aduan_store_damaged_total"); n < 4 {
		t.Errorf("counted %v damaged values", n)
	}
	log := l.Daemon.Log()
	for _, want := range []string{"a ticket is damaged", "the state of a citizen's conversation is damaged"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	if strings.Contains(log, p.Number()[2:]) || strings.Contains(log, "jalan rusak") {
		t.Error("the log tells a number or a text")
	}
}

// The page "Backup and restore" of docs/operate.md, by its own steps, under load.
func TestBackupAndRestoreAsTheBookSays(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Cold: true})
	server := os.Getenv("ADUAN_REDIS_SERVER")
	if server == "" {
		t.Skip("no redis-server")
	}
	l.Config.Set("store.mode", "managed")
	l.Config.Set("store.addresses", []string{})
	l.Daemon.Env = []string{"PATH=" + filepath.Dir(server) + ":" + os.Getenv("PATH")}
	start := func() {
		t.Helper()
		l.Daemon.Start()
		l.Daemon.WaitReady()
	}
	start()
	telephones := newLoad(t, l.SMSC, 8)
	filed := func(more float64) {
		t.Helper()
		before := l.Daemon.Metric("aduan_tickets_filed_total")
		if !rig.Poll(20*time.Second, func() bool { return l.Daemon.Metric("aduan_tickets_filed_total") >= before+more }) {
			t.Fatal("no tickets are filed any more")
		}
	}
	filed(20)

	t.Log("the backup: stop, copy, start")
	if code := l.Daemon.Stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	backup := t.TempDir()
	copyFolder(t, l.Config.DataDir, backup)
	start()
	filed(60)
	if r := readyz(l); strings.Contains(r, "knows less") {
		t.Errorf("nothing was put back, and /readyz says %s", r)
	}

	t.Log("the machine's store is lost, and put back")
	time.Sleep(6 * time.Second) // the age is noted each 5 s
	l.Daemon.Kill9()
	telephones.end()
	waitNoServer(t, l.Config.DataDir)
	if err := os.RemoveAll(filepath.Join(l.Config.DataDir, "appendonlydir")); err != nil {
		t.Fatal(err)
	}
	copyFolder(t, filepath.Join(backup, "appendonlydir"), filepath.Join(l.Config.DataDir, "appendonlydir")) // not line.json: ours is newer
	told := numbersTold(l.SMSC)
	start()
	if r := readyz(l); !strings.Contains(r, "the store knows less than this line has told") || !strings.Contains(r, `"ready":true`) {
		t.Errorf("/readyz says %s", r)
	}
	if l.Daemon.Metric("aduan_store_younger") != 1 {
		t.Error("the alarm's metric does not tell it")
	}
	if out := l.Daemon.Run("restored"); !strings.Contains(out, "Nothing is acknowledged yet") {
		t.Errorf("restored says %q", out)
	}
	fresh := citizens(t, l, 60)
	for n := range fresh {
		if told[n] {
			t.Errorf("number %s was given twice", n)
		}
	}
	if out := l.Daemon.Run("restored", "--yes"); !strings.Contains(out, "Acknowledged.") {
		t.Errorf("restored --yes says %q", out)
	}
	if !rig.Poll(70*time.Second, func() bool { return !strings.Contains(readyz(l), "knows less") }) {
		t.Errorf("acknowledged, and /readyz says %s", readyz(l))
	}

	t.Log("everything is lost, line.json too: the numbers of the time between are left out by hand")
	l.Daemon.Stop()
	if err := os.RemoveAll(l.Config.DataDir); err != nil {
		t.Fatal(err)
	}
	copyFolder(t, backup, l.Config.DataDir)
	if out := l.Daemon.Run("restored", "--skip", "1000"); !strings.Contains(out, "The next 1000 ticket numbers of each shard are left out.") {
		t.Errorf("restored --skip says %q", out)
	}
	for n := range fresh {
		told[n] = true
	}
	start()
	for n := range citizens(t, l, 60) {
		if told[n] {
			t.Errorf("number %s was given twice", n)
		}
	}
}

func readyz(l *rig.Line) string {
	_, body, err := l.Daemon.Get("/readyz", "")
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// citizens lets n citizens report, and gives the numbers that they were told.
func citizens(t *testing.T, l *rig.Line, n int) map[string]bool {
	t.Helper()
	got := map[string]bool{}
	for range n {
		p := citizen(l.SMSC)
		kept(t, p.Send(rig.ShortCode, newReport()))
		got[numberTold.FindString(reads(t, p, 1)[0].Text)] = true
	}
	return got
}

// numbersTold are the ticket numbers of all SMS so far.
func numbersTold(s *rig.SMSC) map[string]bool {
	told := map[string]bool{}
	for _, e := range s.Journal() {
		if e.Kind != smsc.EntrySubmit {
			continue
		}
		for _, n := range numberTold.FindAllString(string(e.Message.ShortMessage), -1) { // digits and - are ASCII in GSM 7-bit
			told[n] = true
		}
	}
	return told
}

// waitNoServer waits until the child of a killed daemon has gone: its socket answers nobody.
func waitNoServer(t *testing.T, dir string) {
	t.Helper()
	if !rig.Poll(10*time.Second, func() bool {
		b, err := filepath.Glob("/proc/[0-9]*/cwd")
		if err != nil {
			return false
		}
		for _, link := range b {
			if to, err := os.Readlink(link); err == nil && to == dir {
				return false
			}
		}
		return true
	}) {
		t.Fatal("the redis-server of the killed daemon runs on")
	}
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case !d.Type().IsRegular():
			return nil // a socket
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
