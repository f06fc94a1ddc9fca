package interop_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp/smsc"
)

// simulator runs ours on a port of its own; over TLS where there are keys, else behind a proxy that records.
func simulator(t *testing.T, o smsc.Options, keys *keyPair) (s *smsc.Server, port string, file func() string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	file = func() string { return "" }
	if keys != nil && o.TLS == nil {
		o.TLS = keys.config(t)
	}
	o.SystemID, o.Password = rig.SystemID, rig.Password
	o.RetryMin, o.RetryMax, o.ShutdownTimeout = 20*time.Millisecond, 80*time.Millisecond, time.Second
	s = smsc.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the simulator: %v", err)
		}
	})
	if keys == nil {
		addr, file = recordingProxy(t, addr)
	}
	_, port, err = net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return s, port, file
}

// talks are what goes between an ESME and the telephones, both ways.
var talks = []struct {
	name, phone, text string
	part              int // characters a segment from the ESME; 0: one
	alphabet          string
	segments          int // at least, both ways
}{
	{name: "GSM 7-bit, single", phone: "6281300000001", text: "LAPOR jalan rusak di pasar_Minggu @ RT 3 {lubang}", alphabet: "gsm7", segments: 1},
	{name: "UCS-2, single", phone: "6281300000002", text: "LAPOR 路灯坏了 di pasar Minggu", alphabet: "ucs2", segments: 1},
	{name: "GSM 7-bit, concatenated", phone: "6281300000003", text: "LAPOR " + strings.TrimSpace(longGSM), part: 140, alphabet: "gsm7", segments: 2},
	{name: "UCS-2, concatenated", phone: "6281300000004", text: "LAPOR " + strings.TrimSpace(longUCS2), part: 60, alphabet: "ucs2", segments: 2},
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestAStrangersESME(t *testing.T) {
	for _, row := range []struct {
		name string
		on   program
		form smsc.ReceiptForm
		tls  bool
	}{
		{name: "node-smpp, receipts as text", on: onNode, form: smsc.FormText},
		{name: "node-smpp over TLS, receipts as optional parameters", on: onNode, form: smsc.FormTLVs, tls: true},
		{name: "Net::SMPP, receipts as optional parameters", on: onPerl, form: smsc.FormTLVs},
		{name: "Net::SMPP over TLS, receipts as text", on: onPerl, form: smsc.FormText, tls: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var keys *keyPair
			if row.tls {
				pair := newKeyPair(t)
				keys = &pair
			}
			sim, port, file := simulator(t, smsc.Options{ReceiptForm: row.form}, keys)
			args := []string{port, rig.SystemID, rig.Password}
			if keys != nil {
				args = append(args, keys.cert)
			}
			e := row.on.start(t, "bound", row.on.esme, args...)
			for _, talk := range talks {
				t.Run(talk.name, func(t *testing.T) {
					e.t = t
					phone := sim.Phone(talk.phone)
					ids := e.send(rig.ShortCode, talk.phone, talk.text, talk.part)
					inbox, err := phone.WaitSMS(within(t, patience), 1)
					if err != nil {
						t.Fatal(err)
					}
					if got := inbox[0]; got.Text != talk.text || got.From != rig.ShortCode || got.Segments < talk.segments {
						t.Errorf("the telephone reads %+v, want %q", got, talk.text)
					}
					for _, id := range ids {
						r := e.wait("receipt", func(ev strangerEvent) bool { return ev.Event == "receipt" && ev.Message == id })
						if r.Text != "DELIVRD" || (r.Coding == 1) != (row.form == smsc.FormText) {
							t.Errorf("receipt %+v", r)
						}
					}
					if err := phone.Send(rig.ShortCode, talk.text).Wait(within(t, patience)); err != nil {
						t.Fatal(err)
					}
					back := e.wait("text from a telephone", func(ev strangerEvent) bool { return ev.Event == "sms" && ev.From == talk.phone })
					if back.Text != talk.text || back.To != rig.ShortCode || back.Segments < talk.segments || (back.Coding == 8) != (talk.alphabet == "ucs2") {
						t.Errorf("the stranger reads %+v, want %q", back, talk.text)
					}
				})
			}
			e.t = t
			_ = e.in.Close()
			e.wait("unbind", func(ev strangerEvent) bool { return ev.Event == "unbind" })
			for _, ev := range e.all(func(ev strangerEvent) bool { return ev.Event == "error" }) {
				t.Errorf("the stranger saw %+v", ev)
			}
			if path := file(); path != "" {
				wellFormed(t, path, true)
			}
		})
	}
}
