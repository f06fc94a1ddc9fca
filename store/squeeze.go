package store

import (
	"encoding/binary"
	"errors"
	"time"
)

// Times are half of a ticket's head, and deflate makes little of their digits. Before it, each time in full
// (2026-11-23T09:00:00.123Z) becomes timeMark and its distance, ms, from the time before; an octet like a mark gets keepMark
// before it.
const (
	timeMark = 0x1e
	keepMark = 0x1f
)

const (
	timeShort = len("2006-01-02T15:04:05Z")
	timeLong  = len("2006-01-02T15:04:05.000Z")
)

func squeeze(b []byte) []byte {
	out := make([]byte, 0, len(b))
	last := int64(0)
	for i := 0; i < len(b); i++ {
		if ms, n := timeAt(b[i:]); n > 0 {
			out = binary.AppendVarint(append(out, timeMark), ms-last)
			last = ms
			i += n - 1
			continue
		}
		if b[i] == timeMark || b[i] == keepMark {
			out = append(out, keepMark)
		}
		out = append(out, b[i])
	}
	return out
}

// timeAt reads the time that b begins with, if stretch writes it the same way: its length, else 0.
func timeAt(b []byte) (ms int64, n int) {
	if len(b) < timeShort || b[0] != '2' || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return 0, 0
	}
	for n = timeShort; n <= min(timeLong, len(b)); n++ {
		if b[n-1] != 'Z' {
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, string(b[:n]))
		if err != nil || string(t.AppendFormat(nil, time.RFC3339Nano)) != string(b[:n]) {
			return 0, 0
		}
		return t.UnixMilli(), n
	}
	return 0, 0
}

func stretch(b []byte) ([]byte, error) {
	out := make([]byte, 0, 2*len(b))
	last := int64(0)
	for len(b) > 0 {
		switch b[0] {
		case timeMark:
			d, n := binary.Varint(b[1:])
			if n <= 0 {
				return nil, errors.New("a time is cut off")
			}
			last += d
			out = time.UnixMilli(last).UTC().AppendFormat(out, time.RFC3339Nano)
			b = b[1+n:]
		case keepMark:
			if len(b) < 2 {
				return nil, errors.New("it is cut off")
			}
			out, b = append(out, b[1]), b[2:]
		default:
			out, b = append(out, b[0]), b[1:]
		}
	}
	return out, nil
}
