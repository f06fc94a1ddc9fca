package sender_test

import (
	"testing"
	"testing/synctest"

	"aduan/internal/sender"
	"aduan/internal/storemodel"
)

func TestAnSMSIsWrittenInTheLinksAlphabet(t *testing.T) {
	for _, tc := range []struct{ alphabet, octets string }{
		{"", "a\x00b"}, // GSM 7-bit: @ is 0
		{"gsm7", "a\x00b"},
		{"latin1", "a@b"},
		{"ascii", "a@b"},
	} {
		t.Run(tc.alphabet, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, storemodel.New(), "p", 1, func(l *sender.Link) { l.Alphabet = tc.alphabet })
				s.commit(1, "a@b")
				synctest.Wait()
				if got := s.window.texts(); len(got) != 1 || got[0] != tc.octets {
					t.Errorf("sent %q, want %q", got, tc.octets)
				}
			})
		})
	}
}
