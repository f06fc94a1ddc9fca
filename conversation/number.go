package conversation

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
)

// Number is a ticket number with all its digits: a serial, the two digits of
// the citizen's shard, and a Damm check digit.
type Number uint64

// ErrMistyped means that the digits look like a ticket number but the check
// digit is wrong.
var ErrMistyped = errors.New("the check digit is wrong: the ticket number is mistyped")

// ErrNotNumber means that the text does not look like a ticket number.
var ErrNotNumber = errors.New("not a ticket number: 8 or more digits are wanted")

// Bounds of a number: serials begin with firstSerial, so that no number has
// fewer than minDigits digits or begins with a zero.
const (
	firstSerial = 10001
	minDigits   = 8
	maxDigits   = 15
)

// NewNumber returns the number of the serial's ticket in a shard (0 to 99).
func NewNumber(shard int, serial uint64) Number {
	body := serial*100 + uint64(shard%100)
	return Number(body*10 + uint64(damm(strconv.FormatUint(body, 10))))
}

// Shard returns the two shard digits.
func (n Number) Shard() int { return int(n / 10 % 100) }

// Serial returns the digits before shard and check digit.
func (n Number) Serial() uint64 { return uint64(n / 1000) }

// Digits returns the number as it is typed: "48213769".
func (n Number) Digits() string { return strconv.FormatUint(uint64(n), 10) }

// String returns the number as it is read: "4821-3769", groups of four from
// the right.
func (n Number) String() string {
	var digits, out [32]byte
	d := strconv.AppendUint(digits[:0], uint64(n), 10)
	w := out[:0]
	for i, c := range d {
		if i > 0 && (len(d)-i)%4 == 0 {
			w = append(w, '-')
		}
		w = append(w, c)
	}
	return string(w)
}

// ParseNumber reads a number in any dress: spaces, dots, dashes, a #.
func ParseNumber(s string) (Number, error) {
	var buf [maxDigits]byte
	digits := buf[:0]
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			if len(digits) == maxDigits {
				return 0, ErrNotNumber
			}
			digits = append(digits, byte(r))
		case dresses(r):
		default:
			return 0, ErrNotNumber
		}
	}
	return numberOf(digits)
}

// dresses tells whether r may stand between the digits of a number.
func dresses(r rune) bool {
	return r == '-' || r == '.' || r == '#' || unicode.IsSpace(r) || r >= 0x2010 && r <= 0x2015 || r == 0x2212
}

// numberOf checks bare digits.
func numberOf[T string | []byte](digits T) (Number, error) {
	if len(digits) < minDigits || len(digits) > maxDigits || digits[0] == '0' {
		return 0, ErrNotNumber
	}
	if damm(digits) != 0 {
		return 0, ErrMistyped
	}
	var n Number
	for i := range len(digits) {
		n = n*10 + Number(digits[i]-'0')
	}
	if n.Serial() < firstSerial {
		return 0, ErrNotNumber
	}
	return n, nil
}

// damm returns the check digit of the digits, or 0 where the last one is
// already right. It finds every wrong digit and every swap of two neighbours.
func damm[T string | []byte](digits T) byte {
	var c byte
	for i := range len(digits) {
		c = dammTable[c][digits[i]-'0']
	}
	return c
}

// dammTable is the totally anti-symmetric quasigroup of order 10 of H. M. Damm (2004).
var dammTable = [10][10]byte{
	{0, 3, 1, 7, 5, 9, 8, 6, 4, 2},
	{7, 0, 9, 2, 1, 5, 4, 8, 6, 3},
	{4, 2, 0, 6, 8, 7, 1, 3, 5, 9},
	{1, 7, 5, 0, 9, 8, 3, 4, 2, 6},
	{6, 1, 2, 3, 0, 4, 5, 9, 7, 8},
	{3, 6, 7, 4, 2, 0, 9, 5, 8, 1},
	{5, 8, 6, 9, 7, 2, 0, 1, 3, 4},
	{8, 9, 4, 5, 3, 6, 2, 0, 1, 7},
	{9, 4, 3, 8, 6, 1, 7, 2, 0, 5},
	{2, 5, 8, 1, 4, 3, 6, 7, 9, 0},
}

// maxNumbersIn bounds how many numbers of one text are looked at.
const maxNumbersIn = 16

// NumbersIn returns every well-formed ticket number in a text, each once, in
// its order.
func NumbersIn(text string) []Number {
	if strings.IndexFunc(text, unicode.IsDigit) < 0 {
		return nil
	}
	var ts tokens
	ts.scan(text)
	var found []Number
	for i := 0; i < len(ts.all) && len(found) < maxNumbersIn; i++ {
		if !ts.all[i].digits || (i > 0 && ts.joins(i)) {
			continue
		}
		for from := i; from < len(ts.all); {
			n, end := ts.numberAt(from, nil)
			if n == 0 {
				from++
				if from >= len(ts.all) || !ts.joins(from) {
					break
				}
				continue
			}
			found = appendNew(found, n)
			from = end
			if from >= len(ts.all) || !ts.joins(from) {
				break
			}
		}
	}
	return found
}

func appendNew(ns []Number, n Number) []Number {
	for _, have := range ns {
		if have == n {
			return ns
		}
	}
	return append(ns, n)
}
