package sender_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"aduan/internal/sender"
	"aduan/internal/storemodel"
	"aduan/smpp/gsm7"
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
				s := newStage(t, storemodel.New(), "p", 1, func(l *sender.Link) { l.Wire.Alphabet = tc.alphabet })
				s.commit(1, "a@b")
				synctest.Wait()
				if got := s.window.texts(); len(got) != 1 || got[0] != tc.octets {
					t.Errorf("sent %q, want %q", got, tc.octets)
				}
			})
		})
	}
}

func TestNationalTablesAreUsedOnlyWhereTheLinkAllowsThem(t *testing.T) {
	text := strings.Repeat("ş", 130)
	for _, tc := range []struct {
		name      string
		languages []gsm7.Language
		sent      int
		begins    string
	}{
		{"not allowed: UCS-2 in parts", nil, 2, "\x05\x00\x03"},
		{"allowed: one SMS, whose header names the table", []gsm7.Language{gsm7.Turkish}, 1, "\x03\x25\x01\x01\x1d"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, storemodel.New(), "p", 1, func(l *sender.Link) { l.Wire.Languages = tc.languages })
				s.commit(1, text)
				synctest.Wait()
				got := s.window.texts()
				if len(got) != tc.sent || !strings.HasPrefix(got[0], tc.begins) {
					t.Errorf("sent %q", got)
				}
			})
		})
	}
}
