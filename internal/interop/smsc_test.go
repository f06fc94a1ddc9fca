package interop_test

import (
	"net"
	"regexp"
	"strings"
	"testing"

	"aduan/internal/desk"
	"aduan/internal/e2e/rig"
	"aduan/internal/testenv"
)

func TestMain(m *testing.M) { rig.Main(m) }

var ticketNumber = regexp.MustCompile(`\b\d{1,4}(?:-\d{4})+\b`)

// What the stranger's telephones write and staff answer.
var (
	longGSM  = "jalan rusak di depan pasar @ Minggu, lubang_dalam {2 m} dan sudah tiga hari tidak diperbaiki; " + strings.Repeat("air masuk ke rumah warga. ", 9)
	longUCS2 = "路灯坏了 di depan pasar Minggu 🚧 " + strings.Repeat("sudah gelap tiga hari — tolong 🙏 ", 5)
)

func TestAStrangersSMSC(t *testing.T) {
	testenv.Require(t, "redis")
	for _, row := range []struct {
		name     string
		on       program
		receipts string // text or tlvs
		tls      bool
		captures []bool // that are taken: unredacted or not
	}{
		{name: "node-smpp, receipts as text", on: onNode, receipts: "text", captures: []bool{true, false}},
		{name: "node-smpp over TLS, receipts as optional parameters", on: onNode, receipts: "tlvs", tls: true, captures: []bool{false}},
		{name: "Net::SMPP, receipts as optional parameters", on: onPerl, receipts: "tlvs", captures: []bool{true}},
		{name: "Net::SMPP over TLS, receipts as text", on: onPerl, receipts: "text", tls: true, captures: []bool{false}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			addr := testenv.FreeAddr(t)
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				t.Fatal(err)
			}
			args := []string{port, rig.SystemID, rig.Password, row.receipts}
			var keys keyPair
			if row.tls {
				keys = newKeyPair(t)
				args = append(args, keys.cert, keys.key)
			}
			s := row.on.start(t, "listening", row.on.smsc, args...)
			l := rig.NewLine(t, rig.Options{Conf: func(c *rig.Config) {
				c.Link("main", addr)
				c.Set("smpp.links.main.ack_within", "5s") // the stranger sends nothing again
				if row.tls {
					c.Set("smpp.links.main.tls", map[string]any{"enabled": true, "ca_file": keys.cert})
				}
			}})
			var files []func() string
			for _, unredacted := range row.captures {
				files = append(files, beginCapture(t, l, unredacted))
			}
			converse(t, s, l)
			s.t = t
			if code := l.Daemon.Stop(); code != 0 {
				t.Errorf("SIGTERM ends the daemon with %d", code)
			}
			s.wait("unbind", func(e strangerEvent) bool { return e.Event == "unbind" })
			for i, file := range files {
				wellFormed(t, file(), row.captures[i])
			}
		})
	}
}

// converse sends complaints of all kinds, and has them answered.
func converse(t *testing.T, s *stranger, l *rig.Line) {
	key := l.Daemon.APIKey("tickets:read", "tickets:write", "pii:read")
	for _, row := range []struct {
		name, phone, complaint, note string
		part                         int  // characters a segment from the telephone; 0: one SMS
		coding                       byte // of the push
		segments                     int  // of the push, at least
	}{
		{name: "GSM 7-bit, single", phone: "6281300000001", complaint: "jalan rusak di pasar_Minggu @ RT 3 {lubang}", note: "Tim datang besok @ 9.", coding: 0, segments: 1},
		{name: "UCS-2, single", phone: "6281300000002", complaint: "路灯坏了 di pasar Minggu 🚧", note: "修好了 🙏", coding: 8, segments: 1},
		{name: "Latin-1, or UCS-2 for who has none", phone: "6281300000003", complaint: "jalan rusak di depan façade", note: "Tim datang.", coding: 0, segments: 1},
		{name: "GSM 7-bit, concatenated", phone: "6281300000004", complaint: strings.TrimSpace(longGSM), part: 140, note: strings.TrimSpace(longGSM), coding: 0, segments: 2},
		{name: "UCS-2, concatenated", phone: "6281300000005", complaint: strings.TrimSpace(longUCS2), part: 60, note: strings.TrimSpace(longUCS2), coding: 8, segments: 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			s.t = t // a wait that fails ends this row
			text := "LAPOR " + row.complaint
			s.send(row.phone, rig.ShortCode, text, row.part)
			answer := s.sms(row.phone, 0)
			number := ticketNumber.FindString(answer.Text)
			view := l.Daemon.Ticket(key, number)
			if len(view.Texts) != 1 || view.Texts[0].Text != text || view.Texts[0].Missing {
				t.Fatalf("ticket %q of the answer %q holds %+v, want %q", number, answer.Text, view.Texts, text)
			}
			if view.Citizen.Number != "+"+row.phone {
				t.Errorf("the citizen is %q", view.Citizen.Number)
			}

			status, body, err := l.Daemon.Post("/v1/tickets/"+number+"/status", key, "", map[string]any{"status": "verified", "note": row.note, "max_segments": 10})
			if err != nil || status != 202 {
				t.Fatalf("push: %d %s %v", status, body, err)
			}
			push := s.sms(row.phone, 1)
			if !strings.Contains(push.Text, row.note) || push.Coding != row.coding || push.Segments < row.segments || push.From != rig.ShortCode {
				t.Errorf("the telephone reads %+v, want %q in coding %d and %d segments or more", push, row.note, row.coding, row.segments)
			}
			s.delivered(l, key, number, 2)
		})
	}
}

// delivered waits until staff see that all n SMS of a ticket arrived, and looks at how the receipts were answered.
func (s *stranger) delivered(l *rig.Line, key, number string, n int) {
	s.t.Helper()
	var view desk.TicketView
	ok := rig.Poll(patience, func() bool {
		view = l.Daemon.Ticket(key, number)
		done := 0
		for _, m := range view.Messages {
			if m.State == "delivered" {
				done++
			}
		}
		return done == n && len(view.Messages) == n
	})
	if !ok {
		s.t.Fatalf("not %d SMS are delivered: %+v", n, view.Messages)
	}
	for _, e := range s.all(func(e strangerEvent) bool { return e.Event == "receipt" || e.Event == "error" }) {
		if e.Status != 0 || e.Event == "error" {
			s.t.Errorf("the stranger saw %+v", e)
		}
	}
}
