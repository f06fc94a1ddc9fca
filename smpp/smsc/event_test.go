package smsc_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"aduan/smpp"
	"aduan/smpp/smsc"
)

// The page is told everything, in order, and may ask back from inside the callback.
func TestEvents(t *testing.T) {
	var mu sync.Mutex
	var got []string
	core, logs := observer.New(zapcore.DebugLevel)
	ready := make(chan struct{})
	var s *smsc.Server
	s, addr := serve(t, smsc.Options{Log: zap.New(core), OnEvent: func(e smsc.Event) {
		<-ready
		mu.Lock()
		defer mu.Unlock()
		line := fmt.Sprint(e.Kind)
		switch e.Kind {
		case smsc.EventOutgoing:
			_, _ = e.Outgoing.State()
			line += fmt.Sprint(" ", e.Phone, " ", e.State, " ", uint32(e.Status))
		case smsc.EventSMS:
			line += " " + e.SMS.Text + fmt.Sprint(" ", len(s.Phone(e.Phone).Inbox()))
		case smsc.EventRefused:
			line += " " + e.Status.String()
		}
		got = append(got, line)
	}})
	close(ready)
	s.Refuse(smpp.StatusRINVPASWD)
	dial(t, addr).bind(smpp.CmdBindTransceiver, "a", "b")
	s.Refuse(0)
	e := bind(t, addr, smpp.CmdBindTransceiver)
	o := s.Phone("628123456789").Send("1708", "rahasia")
	seq, _ := e.delivery()
	e.respond(seq, smpp.StatusRXTAPPN)
	e.take("rahasia")
	if err := o.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	m := sms("628123456789", "jawaban")
	m.RegisteredDelivery = 0
	e.submit(m)
	e.request(smpp.CmdUnbind)
	want := []string{
		"refused ESME_RINVPASWD", "bound",
		"outgoing 628123456789 queued 0", "outgoing 628123456789 sent 0", "outgoing 628123456789 retrying 100", "outgoing 628123456789 accepted 0",
		"sms jawaban 1", "unbound",
	}
	eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(got) >= len(want) })
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(got, want) {
		t.Fatalf("events\n%q\nwant\n%q", got, want)
	}
	for _, line := range logs.All() {
		out := fmt.Sprint(line.Message, line.ContextMap())
		for _, secret := range []string{"8123456789", "rahasia", "jawaban"} {
			if strings.Contains(out, secret) {
				t.Errorf("logged: %s", out)
			}
		}
	}
}
