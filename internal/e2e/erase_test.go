package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aduan/internal/e2e/rig"
	"aduan/store/storetest"
)

// secrets are what must be gone of a citizen: the number in each dress, what was written, the wrapped key.
func secretsOf(l *rig.Line, phone, owner string, texts ...string) map[string]string {
	national := "0" + strings.TrimPrefix(phone, "62")
	all := map[string]string{
		"the number": phone, "the number with +": "+" + phone, "the national number": national, "its last digits": phone[4:],
		"the wrapped key": l.Redis.Client().HGet(context.Background(), owner, "k").Val(),
	}
	for i, text := range texts {
		all[fmt.Sprintf("text %d", i+1)] = text
	}
	return all
}

// found says which of them stand in the files of a folder.
func found(t *testing.T, dir string, secrets map[string]string) (where []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // files come and go
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		for name, s := range secrets {
			if s != "" && bytes.Contains(b, []byte(s)) {
				where = append(where, name+" in "+filepath.Base(path))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return where
}

// dumped says which of them stand in keys and values of a live store, and in its slow log.
func dumped(t *testing.T, l *rig.Line, secrets map[string]string) (where []string) {
	t.Helper()
	ctx := context.Background()
	c := l.Redis.Client()
	look := func(place, s string) {
		for name, secret := range secrets {
			if secret != "" && strings.Contains(s, secret) {
				where = append(where, name+" in "+place)
			}
		}
	}
	for it := c.Scan(ctx, 0, "*", 1000).Iterator(); it.Next(ctx); {
		look("a key's name", it.Val())
		switch c.Type(ctx, it.Val()).Val() {
		case "hash":
			look(it.Val(), fmt.Sprint(c.HGetAll(ctx, it.Val()).Val()))
		case "list":
			look(it.Val(), fmt.Sprint(c.LRange(ctx, it.Val(), 0, -1).Val()))
		case "set":
			look(it.Val(), fmt.Sprint(c.SMembers(ctx, it.Val()).Val()))
		case "zset":
			look(it.Val(), fmt.Sprint(c.ZRange(ctx, it.Val(), 0, -1).Val()))
		case "stream":
			look(it.Val(), fmt.Sprint(c.XRange(ctx, it.Val(), "-", "+").Val()))
		default:
			look(it.Val(), c.Get(ctx, it.Val()).Val())
		}
	}
	look("the slow log", fmt.Sprint(c.SlowLogGet(ctx, -1).Val()))
	return where
}

// The citizen goes from keys, values, slow log and append-only file; the others stay, and the ticket stays as a figure.
func TestAnErasedCitizenIsNowhere(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Redis: storetest.Options{Args: []string{"slowlog-log-slower-than 0", "slowlog-max-len 10000"}}})
	l.Config.Set("log.level", "debug")
	p, other := citizen(l.SMSC), citizen(l.SMSC)
	text := "LAPOR jembatan gantung roboh di kampung Sukamiskin"
	kept(t, p.Send(rig.ShortCode, text), other.Send(rig.ShortCode, newReport()))
	number := numberTold.FindString(reads(t, p, 1)[0].Text)
	kept(t, p.Send(rig.ShortCode, "Jalan Mawar nomor 5 RT 3"), p.Send(rig.ShortCode, "BANTUAN"))
	reads(t, p, 3)
	key := l.Daemon.APIKey("tickets:read", "pii:read", "tickets:write")
	owner := ""
	for _, k := range l.Redis.Client().Keys(context.Background(), "{*}:c:*").Val() {
		if strings.HasPrefix(k, "{"+number[7:9]) || l.Redis.Client().HGet(context.Background(), k, "v").Val() == "3" {
			owner = k
		}
	}
	secrets := secretsOf(l, p.Number(), owner, "jembatan gantung", "Jalan Mawar", "Sukamiskin")
	if len(found(t, l.Redis.Dir(), secrets)) == 0 || len(dumped(t, l, secrets)) < 2 {
		t.Fatalf("nothing of the citizen is found before: this test sees nothing (owner %q)", owner)
	}

	if out, code := l.Daemon.Try("no\n", "erase", p.Number()); code != 1 || !strings.Contains(out, "nothing was erased") || strings.Contains(out, p.Number()[2:]) {
		t.Errorf("refused at the question: %d, %s", code, out)
	}
	out, code := l.Daemon.Try("+"+p.Number()+"\nyes\n", "erase", "-")
	if code != 0 || !strings.Contains(out, "erased from the store: 1 ticket(s)") || !strings.Contains(out, "What remains elsewhere") || strings.Contains(out, p.Number()[2:]) {
		t.Fatalf("exit code %d: %s", code, out)
	}
	if where := found(t, l.Redis.Dir(), secrets); len(where) > 0 {
		t.Errorf("on disk: %v", where)
	}
	if where := dumped(t, l, secrets); len(where) > 0 {
		t.Errorf("in the store: %v", where)
	}
	for name, s := range secrets {
		if s != "" && strings.Contains(l.Daemon.Log(), s) {
			t.Errorf("%s stands in the log", name)
		}
	}
	if out, code := l.Daemon.Try("", "erase", p.Number(), "--yes"); code != 6 {
		t.Errorf("erased twice: %d, %s", code, out)
	}
	if out, code := l.Daemon.Try("", "erase", "nobody", "--yes"); code != 2 || strings.Contains(out, "nobody") {
		t.Errorf("no number: %d, %s", code, out)
	}
	view := l.Daemon.Ticket(key, number)
	if len(view.Texts) != 0 || len(view.Answers) != 0 || view.Citizen.Number != "" || view.Kind != "complaint" {
		t.Errorf("the ticket is %+v", view)
	}
	if status, body, err := l.Daemon.Post("/v1/tickets/"+number+"/status", key, "", map[string]any{"status": "verified"}); err != nil || status != 409 {
		t.Errorf("a status for it: %d %s %v", status, body, err)
	}
	kept(t, p.Send(rig.ShortCode, newReport())) // and may come back, as somebody new
	reads(t, p, 4)
	kept(t, other.Send(rig.ShortCode, "CEK"))
	reads(t, other, 2)
}
