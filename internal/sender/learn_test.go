package sender_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aduan/internal/storemodel"
	"aduan/smpp"
	"aduan/smpp/receipt"
	"aduan/store"
)

// accept lets the SMSC answer with these ids, one after another.
func (s *stage) accept(ids ...string) {
	n := 0
	s.window.set(func(w *window) {
		w.answer = func(*smpp.Message, int) (smpp.SubmitResult, error) {
			n++
			if n > len(ids) {
				return smpp.SubmitResult{MessageID: fmt.Sprintf("other-%d", n)}, nil
			}
			return smpp.SubmitResult{MessageID: ids[n-1]}, nil
		}
	})
}

// delivered says that the SMSC tells the citizen's SMS to have come.
func (s *stage) delivered(citizen int, r receipt.Receipt, tlvs ...smpp.TLV) {
	s.t.Helper()
	r.State = receipt.StateDelivered
	d := &smpp.Delivery{Link: "A", Message: &smpp.Message{Source: smpp.Address{TON: 1, Addr: phone(citizen).Digits()}, TLVs: tlvs}}
	if err := s.sender.Receipt(s.t.Context(), d, r); err != nil {
		s.t.Error(err)
	}
}

// S12: id hex in resp, decimal in receipt; zeros; case.
func TestS12AnIDIsKnownHoweverItIsWritten(t *testing.T) {
	for _, c := range []struct {
		name, accepted string
		told           receipt.Receipt
		ids            receipt.Notation
		zeros, cased   bool
	}{
		{"as it is", "12345678", receipt.Receipt{MessageID: "12345678"}, receipt.Same, false, false},
		{"hexadecimal in the response, decimal in the receipt", "0A3F1122", receipt.Receipt{MessageID: "171905314"}, receipt.HexDecimal, false, false},
		{"hexadecimal digits that look decimal", "10000016", receipt.Receipt{MessageID: "268435478"}, receipt.HexDecimal, false, false},
		{"decimal in the response, hexadecimal in the receipt", "171905314", receipt.Receipt{MessageID: "A3F1122"}, receipt.DecimalHex, false, false},
		{"that, padded and in small letters", "0171905314", receipt.Receipt{MessageID: "0a3f1122"}, receipt.DecimalHex, false, false},
		{"padded in the receipt", "42137", receipt.Receipt{MessageID: "0000042137"}, receipt.Same, true, false},
		{"padded in the response", "0000042137", receipt.Receipt{MessageID: "42137"}, receipt.Same, true, false},
		{"in another case", "4F6A-bb01", receipt.Receipt{MessageID: "4f6a-BB01"}, "", false, true},
		{"of more than 64 bits", "FFFFFFFFFFFFFFFFFF", receipt.Receipt{MessageID: "4722366482869645213695"}, receipt.HexDecimal, false, false},
		{"the TLV tells nothing known, the text does", "A3F1122", receipt.Receipt{MessageID: "internal-7", TextID: "171905314"}, receipt.HexDecimal, false, false},
		{"one digit tells no notation", "7", receipt.Receipt{MessageID: "7"}, "", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			onStage(t, 1, func(s *stage) {
				s.accept(c.accepted)
				s.commit(0, "halo")
				time.Sleep(time.Second)
				s.delivered(0, c.told)
				if got := s.states()[0]; got != store.StateDelivered {
					t.Fatalf("%s", got)
				}
				k := s.sender.Learnt("A")
				if k.IDs != c.ids || k.Zeros != c.zeros || k.Case != c.cased || k.Receipts != 1 {
					t.Errorf("learnt %+v", k)
				}
			})
			onStage(t, 1, func(s *stage) { // the receipt overtakes the response
				s.accept(c.accepted)
				s.delivered(0, c.told)
				s.commit(0, "halo")
				time.Sleep(time.Second)
				if got := s.states()[0]; got != store.StateDelivered && c.told.TextID == "" {
					t.Errorf("early: %s", got)
				}
				if k := s.sender.Learnt("A"); c.told.TextID == "" && (k.IDs != c.ids || k.Zeros != c.zeros || k.Case != c.cased || k.Receipts != 1 || k.Form != "text") {
					t.Errorf("early: learnt %+v", k)
				}
			})
		})
	}
}

// One citizen's two SMS whose ids are each other's in another notation: what was learnt decides, and before
// anything was, none is taken for the other.
func TestS12WhatIsLearntDecidesBetweenTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		redis := storemodel.New()
		for n, run := range []struct {
			name   string
			before []string // hexadecimal ids of SMS whose receipts come first, in decimal
			want   string   // of the two SMS
		}{
			{"nothing is known", nil, "sent sent"},
			{"three receipts told it", []string{"aa000001", "aa000002", "aa000003"}, "delivered sent"},
			{"after a restart", nil, "delivered sent"},
		} {
			s := newStage(t, redis, fmt.Sprint("p", n), 1)
			time.Sleep(2 * time.Second)                                                     // what an earlier daemon learnt is read
			s.accept(append(append([]string{}, run.before...), "10000010", "268435472")...) // 0x10000010 is 268435472
			for i, id := range run.before {
				s.commit(50+i, "halo")
				time.Sleep(time.Second)
				s.delivered(50+i, receipt.Receipt{MessageID: decimal(id)})
			}
			s.commit(n, run.name+" 1", run.name+" 2")
			time.Sleep(time.Second)
			s.delivered(n, receipt.Receipt{MessageID: "268435472"})
			var got []string
			for _, m := range redis.SMS() {
				if strings.HasPrefix(m.Text, run.name) {
					got = append(got, m.State)
				}
			}
			if strings.Join(got, " ") != run.want {
				t.Errorf("%s: %v, want %v", run.name, got, run.want)
			}
			time.Sleep(2 * time.Second) // what was learnt is written down
			s.stop()
		}
	})
}

func decimal(hex string) string {
	v, err := strconv.ParseUint(hex, 16, 64)
	if err != nil {
		panic(err)
	}
	return strconv.FormatUint(v, 10)
}

func TestS12AnSMSCThatChangesItsNotationIsLearntAnew(t *testing.T) {
	onStage(t, 1, func(s *stage) {
		var ids, told []string
		for i := range 10 {
			ids = append(ids, fmt.Sprintf("AB%06d", i))
			told = append(told, decimal(ids[i]))
		}
		for i := range 10 {
			ids = append(ids, fmt.Sprint(70000000+i))
			told = append(told, ids[10+i])
		}
		s.accept(ids...)
		for i := range ids {
			s.commit(i, "halo")
			time.Sleep(time.Second)
			s.delivered(i, receipt.Receipt{MessageID: told[i]})
			want := receipt.HexDecimal
			if i >= 12 { // three that say otherwise
				want = receipt.Same
			}
			if k := s.sender.Learnt("A"); k.IDs != want {
				t.Errorf("after %d: %+v", i+1, k)
			}
		}
		for i, got := range s.states() {
			if got != store.StateDelivered {
				t.Errorf("SMS %d is %s", i, got)
			}
		}
	})
}

func TestTheClockOfAnSMSCIsLearnt(t *testing.T) {
	onStage(t, 1, func(s *stage) {
		s.accept("1001", "1002")
		s.commit(0, "halo")
		time.Sleep(time.Second)
		s.delivered(0, receipt.Receipt{MessageID: "1001", Done: time.Now().Add(7*time.Hour - 40*time.Second)})
		k := s.sender.Learnt("A")
		if said := "ids the same in response and receipt, text, clock UTC+07:00"; k.String() != said {
			t.Errorf("learnt %q", k)
		}
		s.commit(1, "halo")
		time.Sleep(time.Second)
		s.delivered(1, receipt.Receipt{MessageID: "1002"}, smpp.TLV{Tag: smpp.TagReceiptedMessageID, Value: []byte("1002")})
		if k := s.sender.Learnt("A"); k.Form != "both" {
			t.Errorf("form %q", k.Form)
		}
	})
	onStage(t, 1, func(s *stage) { // it overtakes the response
		s.accept("1001")
		s.delivered(0, receipt.Receipt{MessageID: "1001", Done: time.Now().Add(7 * time.Hour)}, smpp.TLV{Tag: smpp.TagReceiptedMessageID, Value: []byte("1001")})
		s.commit(0, "halo")
		time.Sleep(time.Second)
		k := s.sender.Learnt("A")
		if said := "ids the same in response and receipt, TLVs, clock UTC+07:00"; k.String() != said {
			t.Errorf("early: learnt %q", k)
		}
	})
}
