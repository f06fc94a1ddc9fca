package receipt

import (
	"strconv"
	"strings"
	"time"
)

// key names a field of the text (SMPP 3.4 appendix B).
type key int

const (
	keyID key = iota
	keySub
	keyDlvrd
	keySubmit
	keyDone
	keyStat
	keyErr
	keyText
)

var keys = []struct {
	name string // lower case; a space also stands for '_' and for nothing
	key  key
}{
	{"id:", keyID},
	{"sub:", keySub},
	{"dlvrd:", keyDlvrd},
	{"submit date:", keySubmit},
	{"done date:", keyDone},
	{"stat:", keyStat},
	{"err:", keyErr},
	{"text:", keyText},
}

// parseText reads the fields in whatever order and dress they stand. What
// follows "text:" is words of an SMS: a field there counts only where it stood
// nowhere before.
func parseText(s string) map[key]string {
	found := make(map[key]string, len(keys))
	for i := 0; i < len(s); {
		k, n := keyAt(s, i)
		if n == 0 {
			i++
			continue
		}
		i += n
		if k == keyText {
			continue
		}
		value, end := valueAt(s, i)
		if _, twice := found[k]; !twice {
			found[k] = value
		}
		i = end
	}
	return found
}

// keyAt says which key stands at i and how long it is; 0: none.
func keyAt(s string, i int) (key, int) {
	if i > 0 && strings.IndexByte(" \t\r\n,;|", s[i-1]) < 0 {
		return 0, 0
	}
	for _, k := range keys {
		if n := matchKey(s[i:], k.name); n > 0 {
			return k.key, n
		}
	}
	return 0, 0
}

func matchKey(s, name string) int {
	i := 0
	for j := range len(name) {
		if name[j] == ' ' {
			if i < len(s) && (s[i] == ' ' || s[i] == '_') {
				i++
			}
			continue
		}
		if i >= len(s) || lower(s[i]) != name[j] {
			return 0
		}
		i++
	}
	return i
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// valueAt reads up to the next space; a key that follows at once means an
// empty value.
func valueAt(s string, i int) (value string, end int) {
	for i < len(s) && s[i] == ' ' {
		i++
		if _, n := keyAt(s, i); n > 0 {
			return "", i
		}
	}
	end = i
	for end < len(s) && strings.IndexByte(" \t\r\n", s[end]) < 0 && !separates(s, end) {
		end++
	}
	return strings.Trim(s[i:end], `,;|"'`+"\x00"), end
}

// separates says that a comma or the like stands at i with a key behind it.
func separates(s string, i int) bool {
	if strings.IndexByte(",;|", s[i]) < 0 {
		return false
	}
	_, n := keyAt(s, i+1)
	return n > 0
}

// parseDate reads YYMMDDhhmm, with seconds, with a year of four digits, with a
// fraction, with a zone of +hh or +hhmm, or SMPP's absolute time (§7.1.1).
func parseDate(s string) time.Time {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	digits, rest := s[:n], s[n:]
	if n == 15 && len(rest) > 0 { // YYMMDDhhmmss, tenths, quarters of an hour
		quarters, _ := strconv.Atoi(digits[13:])
		return zoned(digits[:12], rest[:1], time.Duration(quarters)*15*time.Minute)
	}
	if i := strings.IndexAny(rest, "+-"); i >= 0 {
		zone := rest[i+1:]
		if len(zone) == 2 || len(zone) == 4 {
			hours, err := strconv.Atoi(zone[:2])
			minutes, err2 := strconv.Atoi("0" + zone[2:])
			if err == nil && err2 == nil {
				return zoned(digits, rest[i:i+1], time.Duration(hours)*time.Hour+time.Duration(minutes)*time.Minute)
			}
		}
	}
	return zoned(digits, "+", 0)
}

func zoned(digits, sign string, offset time.Duration) time.Time {
	t := local(digits)
	if t.IsZero() {
		return t
	}
	if sign == "-" {
		offset = -offset
	}
	return t.Add(-offset)
}

func local(digits string) time.Time {
	layouts := map[int][]string{
		10: {"0601021504"},
		// A year of four digits first: as YYMMDDhhmmss it would be the year 2020, which is over.
		12: {"200601021504", "060102150405"},
		14: {"20060102150405"},
	}
	for _, layout := range layouts[len(digits)] {
		if t, err := time.Parse(layout, digits); err == nil && t.Year() >= 2000 && t.Year() < 2100 {
			return t
		}
	}
	return time.Time{}
}
