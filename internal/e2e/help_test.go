package e2e_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp"
	"aduan/smpp/smsc"
)

// numbers counts the telephones of this test run: no two tests share a citizen.
var numbers atomic.Int64

// citizen is a telephone that nobody else uses.
func citizen(s *rig.SMSC) *smsc.Phone {
	return s.Phone(fmt.Sprintf("62811%07d", numbers.Add(1)))
}

// newReport is a text that becomes a ticket, with a token that the audit follows.
func newReport() string { return "LAPOR jalan rusak di pasar Minggu " + rig.Token() }

// longReport is one of several segments.
func longReport() string {
	text := "LAPOR jalan rusak di pasar Minggu RT 3 RW 4, sudah dilaporkan ke kelurahan "
	for len(text) < 350 {
		text += "lubang makin dalam dan banyak motor jatuh, "
	}
	return text + rig.Token()
}

// kept waits until each message was acknowledged.
func kept(t *testing.T, sent ...*smsc.Outgoing) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, o := range sent {
		if err := o.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// reads waits until a telephone has n SMS, and returns them.
func reads(t *testing.T, p *smsc.Phone, n int) []smsc.SMS {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	inbox, err := p.WaitSMS(ctx, n)
	if err != nil {
		t.Fatalf("telephone: %v", err)
	}
	return inbox
}

// attempts are the journal's deliver_sm of one message.
func attempts(s *rig.SMSC, o *smsc.Outgoing) []smsc.Entry {
	var found []smsc.Entry
	for _, e := range s.Journal() {
		if e.Kind == smsc.EntryDeliver && e.OutgoingID == o.ID {
			found = append(found, e)
		}
	}
	return found
}

// submits are the journal's submit_sm to one telephone.
func submits(s *rig.SMSC, p *smsc.Phone) []smsc.Entry {
	var found []smsc.Entry
	for _, e := range s.Journal() {
		if e.Kind == smsc.EntrySubmit && e.Phone == p.Number() {
			found = append(found, e)
		}
	}
	return found
}

// answered waits for the first answer to a message that is not status ESME_ROK where refused, and ESME_ROK where not.
func answered(t *testing.T, s *rig.SMSC, o *smsc.Outgoing, refused bool) smsc.Entry {
	t.Helper()
	var found smsc.Entry
	ok := rig.Poll(15*time.Second, func() bool {
		for _, e := range attempts(s, o) {
			if !e.Answered.IsZero() && (e.Status != smpp.StatusROK) == refused {
				found = e
				return true
			}
		}
		return false
	})
	if !ok {
		t.Fatalf("no answer with refused=%v: %+v", refused, attempts(s, o))
	}
	return found
}
