package conversation_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"aduan/conversation"
)

func TestNumberIsWrittenInGroupsOfFour(t *testing.T) {
	n := conversation.NewNumber(42, 10001)
	if got := n.String(); got != "1000-1421" {
		t.Errorf("got %s", got)
	}
	if n.Shard() != 42 || n.Serial() != 10001 {
		t.Errorf("shard %d, serial %d", n.Shard(), n.Serial())
	}
	if got := conversation.NewNumber(7, 123456).String(); got[1] != '-' || got[6] != '-' {
		t.Errorf("nine digits: got %s, want groups from the right", got)
	}
}

func TestNumberIsReadInAnyDress(t *testing.T) {
	n := conversation.NewNumber(42, 10001)
	for _, dress := range []string{"10001421", "1000-1421", "1000 1421", "#1000.1421", "1000–1421", " 1 0 0 0 1 4 2 1 "} {
		if got, err := conversation.ParseNumber(dress); err != nil || got != n {
			t.Errorf("%q: got %v, %v", dress, got, err)
		}
	}
	for _, no := range []string{"", "1000142", "abc", "1000x1421", "0812345678", "1234567890123456", "-", "00001421"} {
		if _, err := conversation.ParseNumber(no); !errors.Is(err, conversation.ErrNotNumber) {
			t.Errorf("%q: got %v, want ErrNotNumber", no, err)
		}
	}
}

func drawNumber(t *rapid.T) conversation.Number {
	return conversation.NewNumber(rapid.IntRange(0, 99).Draw(t, "shard"), rapid.Uint64Range(10001, 9_999_999).Draw(t, "serial"))
}

func TestEveryWrongDigitIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := []byte(drawNumber(t).Digits())
		i := rapid.IntRange(0, len(d)-1).Draw(t, "place")
		d[i] = '0' + (d[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		if n, err := conversation.ParseNumber(string(d)); err == nil {
			t.Fatalf("%s is taken for %s", d, n)
		}
	})
}

func TestEverySwapOfNeighboursIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := []byte(drawNumber(t).Digits())
		i := rapid.IntRange(0, len(d)-2).Draw(t, "place")
		if d[i] == d[i+1] {
			t.Skip("alike")
		}
		d[i], d[i+1] = d[i+1], d[i]
		if n, err := conversation.ParseNumber(string(d)); err == nil {
			t.Fatalf("%s is taken for %s", d, n)
		}
	})
}

func TestNumberSurvivesWritingAndReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shard, serial := rapid.IntRange(0, 99).Draw(t, "shard"), rapid.Uint64Range(10001, 9_999_999).Draw(t, "serial")
		n := conversation.NewNumber(shard, serial)
		got, err := conversation.ParseNumber(n.String())
		if err != nil || got != n || got.Shard() != shard || got.Serial() != serial {
			t.Fatalf("%v: got %v, %v", n, got, err)
		}
		if found := conversation.NumbersIn("LAPOR no " + n.String() + ", dan 3 hari"); len(found) != 1 || found[0] != n {
			t.Fatalf("%v: found %v", n, found)
		}
	})
}

func TestNumbersInATextAreFoundOnceEach(t *testing.T) {
	a, b := conversation.NewNumber(1, 10001), conversation.NewNumber(2, 20002)
	text := fmt.Sprintf("cek %s dan CEK%s, lalu %s; telp 081234567890, tgl 12-12-2026", a, b.Digits(), a.Digits())
	got := conversation.NumbersIn(text)
	if len(got) < 2 || got[0] != a || got[1] != b {
		t.Errorf("got %v, want %v %v", got, a, b)
	}
}

func ExampleParseNumber() {
	n, err := conversation.ParseNumber("#1000 1421")
	fmt.Println(n, err)
	_, err = conversation.ParseNumber("10001412")
	fmt.Println(err)
	// Output:
	// 1000-1421 <nil>
	// the check digit is wrong: the ticket number is mistyped
}
