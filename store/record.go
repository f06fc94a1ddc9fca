package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

// A readable value is stored as the form's digit, eight hexadecimal digits of CRC-32C over key, field and value, and
// the value: an append-only file has no checksum of its own, and a flipped bit in it loads without a word.
const (
	plainForm   = '1'
	plainHeader = 1 + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodePlain is value as it stands in field of key.
func encodePlain(key, field string, value []byte) []byte {
	out := make([]byte, 0, plainHeader+len(value))
	out = append(out, plainForm)
	out = fmt.Appendf(out, "%08x", checksum(key, field, value))
	return append(out, value...)
}

// decodePlain gives back the value, or ErrDamaged.
func decodePlain(key, field string, stored []byte) ([]byte, error) {
	if len(stored) < plainHeader {
		return nil, damaged(key, field, errors.New("too short for a stored value"))
	}
	if stored[0] != plainForm {
		return nil, damaged(key, field, fmt.Errorf("form %q is unknown here; a newer version wrote it", stored[0]))
	}
	value := stored[plainHeader:]
	want, err := strconv.ParseUint(string(stored[1:plainHeader]), 16, 32)
	if err != nil || uint32(want) != checksum(key, field, value) {
		return nil, damaged(key, field, errors.New("its checksum is wrong"))
	}
	return value, nil
}

func checksum(key, field string, value []byte) uint32 {
	sum := crc32.Update(0, castagnoli, place(key, field))
	return crc32.Update(sum, castagnoli, value)
}

// millis is t as the scripts take it; 0 stands for no time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMillis reads what a script gave.
func fromMillis(s string) time.Time {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
