package e2e_test

import (
	"context"
	"regexp"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

var ticketNumber = regexp.MustCompile(`\b\d{1,4}(?:-\d{4})+\b`)

// within is a context for what must happen soon.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestAComplaintTravelsTheWholeWay(t *testing.T) {
	l := rig.NewLine(t, rig.Options{})
	phone := l.SMSC.Phone("6281234567001")
	if err := phone.Send(rig.ShortCode, "LAPOR jalan rusak di depan pasar Minggu").Wait(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	inbox, err := phone.WaitSMS(within(t, 5*time.Second), 1)
	if err != nil {
		t.Fatal(err)
	}
	number := ticketNumber.FindString(inbox[0].Text)
	view := l.Daemon.Ticket(l.Daemon.APIKey("tickets:read"), number)
	if len(view.Texts) != 1 || view.Texts[0].Text != "LAPOR jalan rusak di depan pasar Minggu" {
		t.Fatalf("the answer %q names ticket %q, whose texts are %+v", inbox[0].Text, number, view.Texts)
	}
	if code := l.Daemon.Stop(); code != 0 {
		t.Fatalf("SIGTERM ends the daemon with %d", code)
	}
}
