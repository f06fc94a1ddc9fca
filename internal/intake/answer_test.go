package intake_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aduan/conversation"
	"aduan/internal/intake"
	"aduan/internal/msisdn"
	"aduan/internal/turn"
	"aduan/smpp"
	"aduan/store"
)

func TestROKIsWrittenAfterTheCommit(t *testing.T) {
	onLine(t, func(l *line) {
		l.daemon("p", oneDaemon)
		l.redis.Latency(500*time.Millisecond, 500*time.Millisecond)
		m := l.smsc.on("A").send(complaint)
		time.Sleep(999 * time.Millisecond)
		if status, ok := m.answered(); ok {
			t.Errorf("answered %v before the commit's answer came", status)
		}
		l.turns(1)
		time.Sleep(2 * time.Millisecond)
		m.wants(t, smpp.StatusROK)
	})
}

func TestWhatTheStoreCannotTakeStaysWithTheSMSC(t *testing.T) {
	long := parts(strings.Repeat("panjang ", 40), 7)
	for name, broken := range map[string]func(l *line, d *daemon){
		"Redis is gone":         func(l *line, _ *daemon) { l.redis.Gone(true) },
		"Redis stands still":    func(l *line, _ *daemon) { l.redis.Stop() },
		"this boot is fenced":   func(l *line, d *daemon) { _, _ = d.store.TakeOver(context.Background(), d.store.BootID()) },
		"the answer comes late": func(l *line, _ *daemon) { l.redis.Latency(0, 3*time.Second) },
		"the script runs late":  func(l *line, _ *daemon) { l.redis.Latency(3*time.Second, 0) },
	} {
		for what, m := range map[string]*smpp.Message{"a text": message(0, complaint), "a part": long[0]} {
			t.Run(name+", "+what, func(t *testing.T) {
				onLine(t, func(l *line) {
					d := l.daemon("p", oneDaemon)
					broken(l, d)
					one := l.smsc.on("A").sendPDU(m)
					time.Sleep(1900 * time.Millisecond)
					one.wants(t, smpp.StatusRXTAPPN)
					l.redis.Continue()
					time.Sleep(5 * time.Second)
				})
			})
		}
	}
}

func TestACopyIsARepetitionOrARedelivery(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		play  func(l *line) // after the first was acknowledged
		again string        // the link that the copy comes by
		turns int
		sms   int
	}{
		"again at once": {
			play: func(*line) {}, again: "A", turns: 2, sms: 2,
		},
		"again on another link": {
			play: func(*line) {}, again: "B", turns: 2, sms: 2,
		},
		"again when the mark has gone": {
			play: func(*line) { time.Sleep(2 * time.Minute) }, again: "A", turns: 2, sms: 2,
		},
		"again when its session has ended after the proof": {
			play: func(l *line) { time.Sleep(2 * time.Second); l.smsc.on("A").cut(); time.Sleep(time.Second) }, again: "B", turns: 2, sms: 2,
		},
		"its session ended before the proof": {
			play: func(l *line) { l.smsc.on("A").cut(); time.Sleep(10 * time.Millisecond) }, again: "B", turns: 1, sms: 1,
		},
		"its session ended before the proof, an hour ago": {
			play: func(l *line) { l.smsc.on("A").cut(); time.Sleep(time.Hour) }, again: "B", turns: 1, sms: 2,
		},
		"its session ended before the proof, a day ago": {
			play: func(l *line) { l.smsc.on("A").cut(); time.Sleep(25 * time.Hour) }, again: "B", turns: 2, sms: 2,
		},
		"only a question, its session ended before the proof, an hour ago": {
			text: "BANTUAN", play: func(l *line) { l.smsc.on("A").cut(); time.Sleep(time.Hour) }, again: "B", turns: 2, sms: 2,
		},
		"only a question, its session ended before the proof": {
			text: "BANTUAN", play: func(l *line) { l.smsc.on("A").cut(); time.Sleep(time.Minute) }, again: "B", turns: 1, sms: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			onLine(t, func(l *line) {
				d := l.daemon("p", oneDaemon)
				if c.text == "" {
					c.text = complaint
				}
				l.smsc.on("A").mute(true) // nothing but a proof of its own settles
				first := l.smsc.on("A").send(c.text)
				synctest.Wait()
				first.wants(t, smpp.StatusROK)
				c.play(l)
				again := l.smsc.on(c.again).send(c.text)
				time.Sleep(5 * time.Second)
				again.wants(t, smpp.StatusROK)
				if got := len(l.redis.SMS()); got != c.sms {
					t.Errorf("%d SMS, want %d", got, c.sms)
				}
				if n := d.intake.Expected(); n != 0 {
					t.Errorf("%d deliveries still wait for their proof", n)
				}
				marks := l.redis.Marks()
				if len(marks) != 1 {
					t.Errorf("%d marks", len(marks))
				}
			})
		})
	}
}

func TestARedeliveryDoesNotWaitWhereTheMarksSessionIsKnownToBeDead(t *testing.T) {
	onLine(t, func(l *line) {
		l.daemon("p", oneDaemon)
		l.smsc.on("A").mute(true) // nothing proves it
		l.smsc.on("A").send(complaint)
		synctest.Wait()
		l.smsc.on("A").cut()
		time.Sleep(10 * time.Millisecond)
		again := l.smsc.on("B").send(complaint)
		time.Sleep(10 * time.Millisecond)
		again.wants(t, smpp.StatusROK)
		l.turns(1)
	})
}

// slowTurner is as fast as a test says.
type slowTurner struct {
	intake.Turner
	pause func(text string) time.Duration

	mu    sync.Mutex
	texts []string
}

func (s *slowTurner) SMS(ctx context.Context, m turn.Message) (turn.Result, error) {
	time.Sleep(s.pause(m.Text))
	s.mu.Lock()
	s.texts = append(s.texts, m.Text)
	s.mu.Unlock()
	return s.Turner.SMS(ctx, m)
}

func TestACitizensMessagesAreHandledInOrderAndOthersDoNotWait(t *testing.T) {
	onLine(t, func(l *line) {
		slow := &slowTurner{pause: func(text string) time.Duration {
			if text == "satu" {
				return time.Second
			}
			return 0
		}}
		o := oneDaemon
		o.wrap = func(t intake.Turner) intake.Turner { slow.Turner = t; return slow }
		l.daemon("p", o)
		a := l.smsc.on("A")
		a.sendFrom(0, "satu")
		a.sendFrom(0, "dua")
		a.sendFrom(0, "tiga")
		a.sendFrom(1, "lain")
		time.Sleep(4 * time.Second)
		slow.mu.Lock()
		defer slow.mu.Unlock()
		if want := []string{"lain", "satu", "dua", "tiga"}; !slices.Equal(slow.texts, want) {
			t.Errorf("handled %q, want %q", slow.texts, want)
		}
	})
}

func TestACopyThatWaitedTooLongInItsLaneIsARedelivery(t *testing.T) {
	onLine(t, func(l *line) {
		slow := &slowTurner{pause: func(text string) time.Duration {
			if text == "lama" {
				return 6 * time.Second
			}
			return 0
		}}
		o := oneDaemon
		o.wrap = func(t intake.Turner) intake.Turner { slow.Turner = t; return slow }
		l.daemon("p", o)
		a := l.smsc.on("A")
		first := a.send(complaint)
		time.Sleep(3 * time.Second) // settled
		a.send("lama")
		again := a.send(complaint) // when its turn comes it is 6 s old: the SMSC may have given it up
		time.Sleep(15 * time.Second)
		first.wants(t, smpp.StatusROK)
		again.wants(t, smpp.StatusROK)
		if n := l.redis.Turns(phone(0)); n != 2 && n != 1 {
			t.Errorf("%d turns, want the first and the slow one", n)
		}
		if n := countTexts(l, complaint); n != 1 {
			t.Errorf("the text stands %d times", n)
		}
	})
}

func countTexts(l *line, text string) (n int) {
	for _, ticket := range l.redis.Tickets() {
		for _, one := range ticket {
			if strings.Contains(text, one) || strings.Contains(one, text) {
				n++
			}
		}
	}
	return n
}

func TestAMachineIsNeverAnswered(t *testing.T) {
	for _, from := range []smpp.Address{{TON: 5, Addr: "BANK"}, {TON: 3, Addr: "2000"}, {Addr: shortCode}, {}} {
		t.Run(from.Addr, func(t *testing.T) {
			onLine(t, func(l *line) {
				l.daemon("p", oneDaemon)
				m := message(0, complaint)
				m.Source = from
				one := l.smsc.on("A").sendPDU(m)
				time.Sleep(5 * time.Second)
				one.wants(t, smpp.StatusROK)
				if n := len(l.redis.SMS()); n != 0 {
					t.Errorf("%d SMS to a machine", n)
				}
				if n := l.redis.Turns(msisdn.FromAddress(from.Addr)); n != 1 {
					t.Errorf("%d turns: not kept", n)
				}
			})
		})
	}
}

// panicky is a Turner in which one text panics.
type panicky struct {
	intake.Turner
	text string
}

func (p panicky) SMS(ctx context.Context, m turn.Message) (turn.Result, error) {
	if in, ok := m.Input(0, nil).(conversation.SMS); ok && strings.HasPrefix(in.Text, p.text) {
		panic("a bug")
	}
	return p.Turner.SMS(ctx, m)
}

func TestD3WhatPanicsIsKeptAsUndecodableTheThirdTime(t *testing.T) {
	onLine(t, func(l *line) {
		o := oneDaemon
		o.wrap = func(t intake.Turner) intake.Turner { return panicky{t, "racun"} }
		l.daemon("p", o)
		a := l.smsc.on("A")
		for _, want := range []smpp.Status{smpp.StatusRXTAPPN, smpp.StatusRXTAPPN, smpp.StatusROK} {
			bad, other := a.send("racun"), a.sendFrom(1, "baik "+want.String())
			time.Sleep(5 * time.Second)
			bad.wants(t, want)
			other.wants(t, smpp.StatusROK)
		}
		if n := len(l.redis.Kept(phone(0))); n != 1 {
			t.Errorf("%d contents kept", n)
		}
		p := parts("racun "+strings.Repeat("panjang ", 40), 9)
		a.sendPDU(p[0])
		a.sendPDU(p[1])
		for _, want := range []smpp.Status{smpp.StatusRXTAPPN, smpp.StatusRXTAPPN, smpp.StatusROK} {
			last := a.sendPDU(p[2])
			time.Sleep(3 * time.Second)
			last.wants(t, want)
		}
		if n := len(l.redis.Kept(phone(0))); n != 2 {
			t.Errorf("%d contents kept", n)
		}
	})
}

func TestReceiptsMoveTheirSMS(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		early bool
		want  string
	}{
		"delivered":        {text: "id:id1 sub:001 dlvrd:001 submit date:0001010000 done date:0001010000 stat:DELIVRD err:000 text:", want: store.StateDelivered},
		"undeliverable":    {text: "id:id1 stat:UNDELIV err:005 text:", want: store.StateUndeliverable},
		"expired":          {text: "id:id1 stat:EXPIRED err:005 text:", want: store.StateExpired},
		"rejected":         {text: "id:id1 stat:REJECTD err:005 text:", want: store.StateUndeliverable},
		"deleted":          {text: "id:id1 stat:DELETED err:005 text:", want: store.StateUndeliverable},
		"on its way":       {text: "id:id1 stat:ENROUTE err:000 text:", want: store.StateSent},
		"of an unknown id": {text: "id:other stat:DELIVRD err:000 text:", want: store.StateSent},
		"before its resp":  {text: "id:id1 stat:DELIVRD err:000 text:", early: true, want: store.StateDelivered},
	} {
		t.Run(name, func(t *testing.T) {
			onLine(t, func(l *line) {
				l.daemon("p", oneDaemon)
				a := l.smsc.on("A")
				m := message(0, "")
				m.ESMClass, m.ShortMessage = 0x04, []byte(c.text)
				var told *sent
				if c.early {
					told = a.sendPDU(m)
					synctest.Wait()
				}
				a.send(complaint)
				time.Sleep(time.Second)
				if !c.early {
					told = a.sendPDU(m)
					synctest.Wait()
				}
				told.wants(t, smpp.StatusROK)
				list := l.redis.SMS()
				if len(list) != 1 || list[0].State != c.want {
					t.Errorf("%d SMS, want one that is %s: %+v", len(list), c.want, list)
				}
			})
		})
	}
}

func TestAReceiptThatCannotBeKeptStaysWithTheSMSC(t *testing.T) {
	onLine(t, func(l *line) {
		l.daemon("p", oneDaemon)
		l.redis.Gone(true)
		m := message(0, "")
		m.ESMClass, m.ShortMessage = 0x04, []byte("id:id1 stat:DELIVRD err:000 text:")
		told := l.smsc.on("A").sendPDU(m)
		time.Sleep(2 * time.Second)
		told.wants(t, smpp.StatusRXTAPPN)
		l.redis.Gone(false)
	})
}

func TestWhoStopsFinishesWhatIsInHandAndRefusesTheRest(t *testing.T) {
	onLine(t, func(l *line) {
		d := l.daemon("p", oneDaemon)
		l.redis.Latency(300*time.Millisecond, 300*time.Millisecond)
		a := l.smsc.on("A")
		one := a.send(complaint)
		time.Sleep(100 * time.Millisecond)
		go d.stop()
		time.Sleep(100 * time.Millisecond)
		two := a.sendFrom(1, complaint)
		time.Sleep(30 * time.Second)
		one.wants(t, smpp.StatusROK)
		if two.rok() {
			t.Error("taken although the daemon was stopping")
		}
		for _, m := range l.redis.Marks() {
			if !m.Settled {
				t.Error("a mark whose acknowledgement was read is not settled")
			}
		}
		if held := l.redis.Holders(); len(held) != 0 {
			t.Errorf("SMS still held by a daemon that has ended: %v", held)
		}
	})
}
