package intake_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aduan/internal/intake"
	"aduan/internal/msisdn"
	"aduan/internal/sender"
	"aduan/internal/storemodel"
	"aduan/internal/turn"
	"aduan/smpp"
	"aduan/smpp/receipt"
	"aduan/smpp/segment"
	"aduan/store"
)

// inbound is the way of a message from its PDU to what is kept, without a connection.
type inbound struct {
	redis  *storemodel.Redis
	store  *storemodel.Store
	intake *intake.Intake
	taken  atomic.Int64 // receipts that were handed on
	most   atomic.Int64 // of them at once
	inside atomic.Int64
	hold   chan struct{} // not nil: receipts wait for it
	stop   func()
}

func newInbound(alphabet string) *inbound {
	in := &inbound{redis: storemodel.New()}
	in.store = in.redis.Daemon("p")
	out := sender.New(sender.Options{Store: in.store, Region: "ID", Now: time.Now})
	t := turn.New(turn.Options{Store: in.store, Engine: engine(), Outbox: out, Now: time.Now, ShortCode: shortCode, DefaultLink: "A"})
	in.intake = intake.New(intake.Options{
		Store: in.store, Turner: t, Receipts: in, Region: "ID", ShortCode: shortCode, Now: time.Now,
		Links: func(string) intake.Link { return intake.Link{Alphabet: alphabet} },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.intake.Run(ctx) }() // ends with stop
	in.stop = func() { cancel(); <-done }
	return in
}

func (in *inbound) Receipt(ctx context.Context, _ *smpp.Delivery, _ receipt.Receipt) error {
	n := in.inside.Add(1)
	defer in.inside.Add(-1)
	for was := in.most.Load(); n > was && !in.most.CompareAndSwap(was, n); was = in.most.Load() {
	}
	in.taken.Add(1)
	if in.hold != nil {
		select {
		case <-in.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// asked is a carrier that notes its answers.
type asked chan smpp.Status

func (asked) ID() string                                { return "p1.A.1" }
func (asked) Alive() bool                               { return true }
func (asked) Probe(context.Context) error               { return nil }
func (a asked) Respond(_ *smpp.Delivery, s smpp.Status) { a <- s }

// take hands a message over.
func (in *inbound) take(n int, m *smpp.Message) asked {
	a := make(asked, 2)
	in.intake.Deliver(&smpp.Delivery{ID: fmt.Sprintf("p1.A.1-%d", n), Link: "A", Carrier: a, CommandID: smpp.CmdDeliverSM, Message: m, Received: time.Now()})
	return a
}

// A flood of receipts, which the store does not take, does not hold up one citizen.
func TestReceiptsNeverHoldUpACitizen(t *testing.T) {
	engine()
	synctest.Test(t, func(t *testing.T) {
		in := newInbound("gsm7")
		defer in.stop()
		in.hold = make(chan struct{})
		var all []asked
		for i := range 5000 {
			m := message(1, "")
			m.ESMClass, m.ShortMessage = 0x04, fmt.Appendf(nil, "id:%d stat:DELIVRD", i)
			all = append(all, in.take(i, m))
		}
		began := time.Now()
		if got := <-in.take(5000, message(0, complaint)); got != smpp.StatusROK || time.Since(began) > 0 {
			t.Errorf("a citizen was answered %s after %s", got, time.Since(began))
		}
		synctest.Wait()
		if in.most.Load() != 16 {
			t.Errorf("%d receipts at once", in.most.Load())
		}
		time.Sleep(2 * time.Second)
		for i, a := range all {
			if got := <-a; got != smpp.StatusRXTAPPN {
				t.Fatalf("receipt %d: %s", i, got)
			}
		}
	})
}

// What a message's header says of its text is followed also where it stands alone.
func TestAMessageInNationalTables(t *testing.T) {
	engine()
	synctest.Test(t, func(t *testing.T) {
		in := newInbound("gsm7")
		defer in.stop()
		m := message(0, "")
		m.ESMClass, m.ShortMessage = 0x40, append([]byte{3, 0x25, 1, 1}, "LAPOR jalan rusak \x0c\x1d di depan pasar"...)
		if got := <-in.take(1, m); got != smpp.StatusROK {
			t.Fatal(got)
		}
		if list := in.redis.Tickets(); !strings.Contains(fmt.Sprint(list), "rusak ğş di depan") {
			t.Errorf("%q", list)
		}
	})
}

// S13: parts out of order, missing, twice, refs interleaved or reused, 8/16-bit, number > total.
func TestS13PartsHoweverTheyCome(t *testing.T) {
	engine()
	part := func(header, text string) *smpp.Message {
		m := message(0, text)
		m.ESMClass, m.ShortMessage = 0x40, []byte(header+text)
		return m
	}
	const wide, narrow = "\x06\x08\x04\x00\x07", "\x05\x00\x03\x07"
	for _, c := range []struct {
		name  string
		parts []*smpp.Message
		turns uint64 // the first part makes the citizen known, which counts as one
		texts []string
	}{
		{"out of order, and twice", []*smpp.Message{part(narrow+"\x02\x02", "di pasar"), part(narrow+"\x02\x02", "di pasar"), part(narrow+"\x02\x01", "LAPOR jalan rusak ")}, 2, []string{"jalan rusak di pasar"}},
		{"an equal reference of 16 bits is another message", []*smpp.Message{part(wide+"\x02\x01", "LAPOR lampu mati "), part(narrow+"\x02\x01", "LAPOR jalan rusak "), part(narrow+"\x02\x02", "di pasar"), part(wide+"\x02\x02", "di taman")}, 3, []string{"jalan rusak di pasar", "lampu mati di taman"}},
		{"a reference that comes round ends what was begun", []*smpp.Message{part(narrow+"\x02\x01", "LAPOR jalan rusak "), part(narrow+"\x02\x01", "LAPOR lampu mati "), part(narrow+"\x02\x02", "di taman")}, 3, []string{"jalan rusak", "lampu mati di taman"}},
		{"one that stays away leaves a gap", []*smpp.Message{part(narrow+"\x03\x01", "LAPOR jalan rusak "), part(narrow+"\x03\x03", "di pasar")}, 2, []string{"jalan rusak", "di pasar"}},
		{"a number above the total is a message of its own (23.040 §9.2.3.24.1)", []*smpp.Message{part(narrow+"\x02\x03", "LAPOR jalan rusak")}, 1, []string{"jalan rusak"}},
		{"an unknown element beside it is skipped", []*smpp.Message{part("\x0b\x05\x04\x0b\x84\x00\x00\x00\x03\x07\x02\x01", "LAPOR jalan rusak "), part("\x0b\x05\x04\x0b\x84\x00\x00\x00\x03\x07\x02\x02", "di pasar")}, 2, []string{"jalan rusak di pasar"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := newInbound("gsm7")
				defer in.stop()
				for i, m := range c.parts {
					if got := <-in.take(i, m); got != smpp.StatusROK {
						t.Errorf("part %d: %s", i, got)
					}
				}
				in.joinAll(t)
				all := fmt.Sprint(in.redis.Tickets())
				for _, text := range c.texts {
					if !strings.Contains(all, text) {
						t.Errorf("%q is not in %s", text, all)
					}
				}
				if got := in.redis.Turns(phone(0)); got != c.turns {
					t.Errorf("%d turns, want %d", got, c.turns)
				}
			})
		})
	}
}

// FuzzInbound reads a PDU's body as a session does, and hands it on: whatever it holds is answered once with ESME_ROK
// and kept, as a turn, as a part that becomes a turn, or as a receipt; nothing panics.
func FuzzInbound(f *testing.F) {
	body := func(m *smpp.Message) []byte {
		pdu, err := smpp.AppendMessage(nil, smpp.CmdDeliverSM, 1, m)
		if err != nil {
			f.Fatal(err)
		}
		return pdu[smpp.HeaderLen:]
	}
	with := func(class, coding byte, text string) []byte {
		m := message(0, text)
		m.ESMClass, m.DataCoding = class, coding
		return body(m)
	}
	f.Add(false, byte(0), with(0, 0, complaint))
	f.Add(false, byte(0), with(0, 0, ""))
	f.Add(false, byte(0), with(0x40, 0, "\x05\x00\x03\x07\x02\x01LAPOR jalan"))
	f.Add(false, byte(1), with(0x40, 0, "\x06\x25\x01\x06\x24\x01\x06\x4d\x51\x2f"))
	f.Add(false, byte(0), with(0, 8, "\xff\xfeL\x00\x3d\xd8\x00"))
	f.Add(false, byte(0), with(0, 4, "\x01\x02\xff"))
	f.Add(false, byte(2), with(0, 0xF1, "CEK 1000-1071"))
	f.Add(false, byte(4), with(4, 0, "id:00aB1 sub:001 dlvrd:001 submit date:2611231530 done date:2611231531 stat:DELIVRD err:000 text:x"))
	f.Add(true, byte(0), append([]byte("\x00\x01\x01628123456700\x00\x03\x001708\x00\x00\x00\x00"), "\x04\x24\x00\x05LAPOR"...))
	alphabets := []string{segment.AlphabetGSM7, segment.AlphabetGSM7Packed, segment.AlphabetLatin1, segment.AlphabetASCII, segment.AlphabetUTF8}
	engine()
	f.Fuzz(func(t *testing.T, data bool, alphabet byte, b []byte) {
		id := smpp.CmdDeliverSM
		if data {
			id = smpp.CmdDataSM
		}
		frame := append(smpp.AppendHeader(nil, id, smpp.StatusROK, 1), b...)
		binary.BigEndian.PutUint32(frame, uint32(len(frame))) //nolint:gosec // a fuzzed body is short
		m, err := smpp.DecodeMessage(frame)
		if m == nil {
			if err == nil {
				t.Fatal("neither a message nor what is wrong with it")
			}
			return // answered by the session
		}
		synctest.Test(t, func(t *testing.T) { // no clock but the message's own
			inboundIsKept(t, newInbound(alphabets[int(alphabet)%len(alphabets)]), m)
		})
	})
}

func inboundIsKept(t *testing.T, in *inbound, m *smpp.Message) {
	a := in.take(1, m)
	select {
	case got := <-a:
		if got != smpp.StatusROK {
			t.Errorf("answered %s", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("not answered")
	}
	in.joinAll(t)
	in.stop()
	if len(a) > 0 {
		t.Error("answered twice")
	}
	from, err := msisdn.Parse(m.Source.Addr, m.Source.TON, "ID")
	if err != nil || m.Source.Addr == shortCode {
		from = msisdn.FromAddress(m.Source.Addr)
	}
	want := uint64(1)
	if _, part := intake.Concat(m); part {
		want = 2 // kept, then joined
	}
	if turns := in.redis.Turns(from); turns != want && in.taken.Load() != 1 {
		t.Errorf("%d receipts and %d turns", in.taken.Load(), turns)
	}
}

// joinAll takes the long messages whose other parts stay away.
func (in *inbound) joinAll(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	due, err := in.store.Claim(ctx, store.Claim{Boot: in.store.BootID(), Now: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range due.Groups {
		if err := in.intake.JoinDue(ctx, g); err != nil {
			t.Error(err)
		}
	}
}
