package phone_test

import (
	"testing"

	"aduan/internal/phone"
)

func TestNumbersAreReadable(t *testing.T) {
	for in, want := range map[string]string{"6281200000001": "+62 812-0000-0001", "628120000000": "+62 81-2000-0000", "12025550100": "+12025550100"} {
		if got := phone.Readable(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
