package sender_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aduan/smpp"
	"aduan/smpp/receipt"
	"aduan/store"
)

func TestWhatFollowsASubmitSMResp(t *testing.T) {
	for name, c := range map[string]struct {
		status smpp.Status // of every try
		err    error       // instead
		after  time.Duration
		state  string
		least  int // tries
		most   int
		failed bool // an event tells of it
	}{
		"accepted":                           {status: smpp.StatusROK, after: time.Hour, state: store.StateSent, least: 1, most: 1},
		"throttled: again":                   {status: smpp.StatusRTHROTTLED, after: time.Minute, state: store.StateQueued, least: 20, most: 60},
		"queue full: again":                  {status: smpp.StatusRMSGQFUL, after: time.Minute, state: store.StateQueued, least: 20, most: 60},
		"temporary: again, growing":          {status: smpp.StatusRXTAPPN, after: time.Hour, state: store.StateQueued, least: 10, most: 20},
		"temporary for too long: expired":    {status: smpp.StatusRXTAPPN, after: 3 * time.Hour, state: store.StateExpired, least: 15, most: 30, failed: true},
		"few tries":                          {status: smpp.StatusRSUBMITFAIL, after: time.Minute + 30*time.Second, state: store.StateDead, least: 5, most: 5, failed: true},
		"few tries, a vendor's own code":     {status: 0x412, after: time.Minute + 30*time.Second, state: store.StateDead, least: 5, most: 5, failed: true},
		"no such number":                     {status: smpp.StatusRINVDSTADR, after: time.Hour, state: store.StateUndeliverable, least: 1, most: 1, failed: true},
		"our settings: nothing is lost":      {status: smpp.StatusRINVSRCADR, after: time.Hour, state: store.StateQueued, least: 50, most: 61},
		"not bound there: again":             {status: smpp.StatusRINVBNDSTS, after: time.Minute, state: store.StateQueued, least: 4, most: 10},
		"no response: again":                 {err: smpp.ErrNoResponse, after: time.Minute, state: store.StateQueued, least: 4, most: 60},
		"not written: again, no try":         {err: smpp.ErrNotWritten, after: time.Minute, state: store.StateQueued, least: 30, most: 62},
		"can never be encoded: for a person": {err: &smpp.PDUError{Field: "source_addr", What: "is too long"}, after: time.Hour, state: store.StateDead, least: 1, most: 1, failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, 2, func(s *stage) {
				s.window.set(func(w *window) {
					w.answer = func(_ *smpp.Message, n int) (smpp.SubmitResult, error) {
						return smpp.SubmitResult{Status: c.status, MessageID: fmt.Sprint(n)}, c.err
					}
				})
				s.commit(0, "halo")
				time.Sleep(c.after)
				m := s.redis.SMS()[0]
				if n := s.window.count(); m.State != c.state || n < c.least || n > c.most {
					t.Errorf("%s after %d tries, want %s after %d to %d", m.State, n, c.state, c.least, c.most)
				}
				if c.state != store.StateSent && m.Error == "" {
					t.Error("nothing says why")
				}
				if c.err == smpp.ErrNotWritten && m.Tries > 0 { //nolint:errorlint // the table's own value
					t.Errorf("%d tries counted though nothing was written", m.Tries)
				}
				if failed := slices.Contains(s.redis.Events(), "sms.failed"); failed != c.failed {
					t.Errorf("told: %v, want %v", failed, c.failed)
				}
			})
		})
	}
}

func TestPausesGrow(t *testing.T) {
	onStage(t, 1, func(s *stage) {
		var at []time.Time
		s.window.set(func(w *window) {
			w.answer = func(*smpp.Message, int) (smpp.SubmitResult, error) {
				at = append(at, time.Now())
				return smpp.SubmitResult{Status: smpp.StatusRXTAPPN}, nil
			}
		})
		s.commit(0, "halo")
		time.Sleep(40 * time.Minute)
		s.stop()
		for i := 2; i < min(len(at), 8); i++ {
			if a, b := at[i-1].Sub(at[i-2]), at[i].Sub(at[i-1]); b < a*3/2 {
				t.Errorf("pause %d is %v after %v", i, b, a)
			}
		}
		if last := at[len(at)-1].Sub(at[len(at)-2]); last > 10*time.Minute+time.Second {
			t.Errorf("the last pause is %v", last)
		}
	})
}

func TestSegmentsThatWereAcceptedAreNotSentAgain(t *testing.T) {
	onStage(t, 1, func(s *stage) {
		s.window.set(func(w *window) {
			w.answer = func(_ *smpp.Message, n int) (smpp.SubmitResult, error) {
				if n == 2 {
					return smpp.SubmitResult{Status: smpp.StatusRTHROTTLED}, nil
				}
				return smpp.SubmitResult{MessageID: fmt.Sprintf("m%d", n)}, nil
			}
		})
		s.commit(0, strings.Repeat("panjang sekali ", 25)) // 3 segments
		time.Sleep(10 * time.Second)
		var numbers []byte
		s.window.set(func(w *window) {
			for _, m := range w.sent {
				udh, _ := m.Content()
				numbers = append(numbers, udh[5])
				if m.ESMClass&0x40 == 0 || udh[3] != w.sent[0].ShortMessage[3] {
					t.Error("a segment without UDHI, or of another reference")
				}
			}
		})
		if want := []byte{1, 2, 2, 3}; !slices.Equal(numbers, want) {
			t.Errorf("segments sent: %v, want %v", numbers, want)
		}
		if got := s.states(); got[0] != store.StateSent {
			t.Errorf("state %q", got)
		}
		for i, id := range []string{"m1", "m3", "m4"} {
			if got := s.states()[0]; got != store.StateSent {
				t.Fatalf("%s before the receipt of segment %d", got, i+1)
			}
			s.receipt(id, receipt.StateDelivered, phone(0).Digits(), "1708")
		}
		if got := s.states()[0]; got != store.StateDelivered {
			t.Errorf("%s after all three receipts", got)
		}
	})
}

func (s *stage) receipt(id string, state receipt.State, from, to string) {
	s.t.Helper()
	d := &smpp.Delivery{Link: "A", Message: &smpp.Message{Source: smpp.Address{TON: 1, Addr: from}, Destination: smpp.Address{TON: 1, Addr: to}}}
	if err := s.sender.Receipt(s.t.Context(), d, receipt.Receipt{MessageID: id, State: state}); err != nil {
		s.t.Error(err)
	}
}

func TestAReceiptWithItsAddressesTurnedRoundFindsItsSMS(t *testing.T) {
	for name, ours := range map[string]string{"our sender is a short code": "1708", "our sender is a number": "628119999999"} {
		t.Run(name, func(t *testing.T) {
			onStage(t, 1, func(s *stage) {
				s.commit(0, "halo")
				time.Sleep(time.Second)
				s.receipt("id1", receipt.StateDelivered, ours, phone(0).Digits())
				if got := s.states()[0]; got != store.StateDelivered {
					t.Errorf("%s", got)
				}
			})
		})
	}
}

func TestAnEarlyReceiptIsNotLost(t *testing.T) {
	onStage(t, 1, func(s *stage) {
		s.receipt("id1", receipt.StateUndeliverable, phone(0).Digits(), "1708")
		s.commit(0, "halo")
		time.Sleep(time.Second)
		if got := s.states()[0]; got != store.StateUndeliverable {
			t.Errorf("%s", got)
		}
	})
}

func TestACitizensSMSGoOutInOrderAndOthersDoNotWait(t *testing.T) {
	onStage(t, 3, func(s *stage) {
		begun := time.Now()
		s.window.set(func(w *window) {
			w.answer = func(m *smpp.Message, n int) (smpp.SubmitResult, error) {
				time.Sleep(time.Second)
				if string(m.ShortMessage) == "satu" && time.Since(begun) < 2*time.Second {
					return smpp.SubmitResult{Status: smpp.StatusRXTAPPN}, nil // tried again after a pause
				}
				return smpp.SubmitResult{MessageID: fmt.Sprint(n)}, nil
			}
		})
		s.commit(0, "satu", "dua")
		s.commit(0, "tiga")
		s.commit(1, "lain")
		time.Sleep(100 * time.Millisecond)
		if got := s.window.texts(); len(got) != 2 {
			t.Errorf("sent %q: another citizen waits", got)
		}
		time.Sleep(20 * time.Second)
		got := slices.DeleteFunc(s.window.texts(), func(text string) bool { return text == "lain" })
		if want := []string{"satu", "satu", "dua", "tiga"}; !slices.Equal(got, want) {
			t.Errorf("sent %q, want %q", got, want)
		}
	})
}

func TestAPlaceInTheWindowIsTakenUntilTheOutcomeIsStored(t *testing.T) {
	onStage(t, 2, func(s *stage) {
		s.window.set(func(w *window) {
			w.answer = func(_ *smpp.Message, n int) (smpp.SubmitResult, error) {
				time.Sleep(500 * time.Millisecond)
				return smpp.SubmitResult{MessageID: fmt.Sprint(n)}, nil
			}
		})
		for n := range 6 {
			s.commit(n, "halo")
		}
		time.Sleep(100 * time.Millisecond)
		s.redis.Gone(true)
		time.Sleep(time.Minute)
		if n := s.window.count(); n != 2 {
			t.Errorf("%d submitted while no outcome could be stored, the window is 2", n)
		}
		s.redis.Gone(false)
		time.Sleep(10 * time.Second)
		if n := s.window.count(); n != 6 {
			t.Errorf("%d submitted, want each of 6 once", n)
		}
		for _, state := range s.states() {
			if state != store.StateSent {
				t.Errorf("an SMS is %s", state)
			}
		}
	})
}

func TestWhatAFencedBootHoldsIsDropped(t *testing.T) {
	onStage(t, 1, func(s *stage) {
		block := make(chan struct{})
		s.window.set(func(w *window) {
			w.answer = func(_ *smpp.Message, n int) (smpp.SubmitResult, error) {
				if n == 1 {
					<-block
				}
				return smpp.SubmitResult{MessageID: fmt.Sprint(n)}, nil
			}
		})
		old := s.store.BootID()
		for n := range 3 {
			s.commit(n, fmt.Sprint("halo ", n))
		}
		synctest.Wait()
		s.store.Replace(s.events) // the process stood still: it is another boot now
		close(block)
		time.Sleep(3 * time.Second)
		if n := s.window.count(); n != 2 && n != 1 {
			t.Errorf("%d submitted by a boot that has ended", n)
		}
		if texts := s.window.texts(); len(texts) > 1 {
			t.Errorf("sent %q: only what was on its way may slip through", texts)
		}
		if _, err := s.store.TakeOver(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		for i, state := range s.states() {
			if state != store.StateSent {
				t.Errorf("SMS %d is %s", i, state)
			}
		}
		if n := s.window.count(); n > 4 {
			t.Errorf("%d submitted for 3 SMS: at most the one in the window is sent twice", n)
		}
		if n, err := s.sender.Depth("A"); n != 0 || err != nil {
			t.Errorf("%d places still reserved, %v", n, err)
		}
	})
}

func TestADaemonThatStopsGivesBackWhatItHolds(t *testing.T) {
	onStage(t, 1, func(s *stage) {
		s.window.set(func(w *window) {
			w.answer = func(_ *smpp.Message, n int) (smpp.SubmitResult, error) {
				time.Sleep(time.Second)
				return smpp.SubmitResult{MessageID: fmt.Sprint(n)}, nil
			}
		})
		for n := range 3 {
			s.commit(n, "halo")
		}
		time.Sleep(100 * time.Millisecond)
		s.stop()
		if held := s.redis.Holders(); len(held) != 0 {
			t.Errorf("still held: %v", held)
		}
		if got, want := s.states(), []string{store.StateSent, store.StateQueued, store.StateQueued}; len(got) != 3 || count(got, store.StateSent) != count(want, store.StateSent) {
			t.Errorf("%v: what was under way is finished", got)
		}
		next := newStage(s.t, s.redis, "q", 1)
		time.Sleep(2 * time.Second)
		if n := next.window.count(); n != 2 {
			t.Errorf("the next daemon sent %d, want 2", n)
		}
	})
}

func count(list []string, what string) (n int) {
	for _, v := range list {
		if v == what {
			n++
		}
	}
	return n
}

func TestDoubtfulSMS(t *testing.T) {
	for name, c := range map[string]struct {
		lose func(s *stage)
		want int
	}{
		"the commit stands":          {func(s *stage) { s.redis.Lose("commit", 0); s.redis.Lose("commit", 0) }, 1},
		"it stands seconds later":    {func(s *stage) { s.redis.Lose("commit", 4*time.Second); s.redis.LoseUnrun("commit") }, 1},
		"it runs after its deadline": {func(s *stage) { s.redis.Lose("commit", 8*time.Second); s.redis.LoseUnrun("commit") }, 0},
		"it never stands":            {func(s *stage) { s.redis.LoseUnrun("commit"); s.redis.LoseUnrun("commit") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, 1, func(s *stage) {
				c.lose(s)
				s.commit(0, "halo")
				time.Sleep(30 * time.Second)
				if n := s.window.count(); n != c.want {
					t.Errorf("sent %d times, want %d", n, c.want)
				}
				if n, err := s.sender.Depth("A"); n != 0 || err != nil {
					t.Errorf("%d places still reserved, %v", n, err)
				}
			})
		})
	}
}

func TestADoubtfulSMSThatCameAnotherWayIsSentOnce(t *testing.T) {
	onStage(t, 1, func(s *stage) {
		s.window.set(func(w *window) {
			w.answer = func(_ *smpp.Message, n int) (smpp.SubmitResult, error) {
				time.Sleep(3 * time.Second) // the second is under way when its doubt is looked into
				return smpp.SubmitResult{MessageID: fmt.Sprint(n)}, nil
			}
		})
		s.commit(0, "satu")
		time.Sleep(2500 * time.Millisecond)
		s.redis.Lose("commit", 0)
		s.redis.Lose("commit", 0)
		s.commit(0, "dua") // stands behind the first, and moves up when that is done
		time.Sleep(20 * time.Second)
		if got := s.window.texts(); !slices.Equal(got, []string{"satu", "dua"}) {
			t.Errorf("sent %q", got)
		}
	})
}

func TestWhatALostClaimLeftIsFound(t *testing.T) {
	onStage(t, 1, func(s *stage) {
		s.window.set(func(w *window) { w.bound = false })
		s.commit(0, "halo") // due in the store
		synctest.Wait()
		s.redis.Lose("claim", 0)
		s.window.set(func(w *window) { w.bound = true })
		time.Sleep(40 * time.Second)
		if n := s.window.count(); n != 1 {
			t.Errorf("sent %d times, want once", n)
		}
	})
}

func TestAnOutcomeWhoseAnswerIsLostIsStoredOnce(t *testing.T) {
	onStage(t, 1, func(s *stage) {
		s.redis.Lose("done", 0)
		s.redis.Lose("done", 0)
		s.commit(0, "satu", "dua")
		time.Sleep(10 * time.Second)
		if got := s.window.texts(); !slices.Equal(got, []string{"satu", "dua"}) {
			t.Errorf("sent %q", got)
		}
	})
}
