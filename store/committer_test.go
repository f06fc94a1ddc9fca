package store_test

import (
	"testing"

	"aduan/store"
)

// A flood of receipts: what citizens wait for goes first, receipts alone never take both pipelines, and they go on all the same.
func TestReceiptsGoBehindCitizensMessages(t *testing.T) {
	tests := []struct {
		name             string
		hurried, waiting int
		busy             bool
		h, w             int
	}{
		{"nothing", 0, 0, false, 0, 0},
		{"messages alone", 300, 0, false, 128, 0},
		{"receipts alone", 0, 1000, false, 0, 32},
		{"receipts alone, and one pipeline has such already", 0, 1000, true, 0, 0},
		{"both", 10, 1000, false, 10, 4},
		{"both, and one pipeline has receipts alone", 10, 1000, true, 10, 4},
		{"many of both: receipts are not starved", 300, 1000, false, 128, 4},
	}
	for _, tt := range tests {
		if h, w := store.TakeForTest(tt.hurried, tt.waiting, tt.busy); h != tt.h || w != tt.w {
			t.Errorf("%s: a pipeline of %d and %d, want %d and %d", tt.name, h, w, tt.h, tt.w)
		}
	}
}
