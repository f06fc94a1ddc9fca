package msisdn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// E.164 allows 15 digits; below 7 (country code included) there are only short codes.
const (
	minDigits = 7
	maxDigits = 15
)

// ErrNotANumber says that an address is no telephone number: a short code,
// an alphanumeric sender, or digits that no numbering plan knows. It is an
// answer rather than a failure.
var ErrNotANumber = errors.New("msisdn: not a telephone number")

// veil keeps the digits out of reflective printers (%+v of a struct around an
// MSISDN reads unexported fields without asking String). It is above 10^15, so
// no number veils to 0, and differs with each process: it is no protection of
// memory, only of logs.
var veil = rand.Uint64() | 1<<62

// MSISDN is a telephone number in E.164. It is comparable within a process,
// and its zero value is no number.
type MSISDN struct {
	veiled  uint64 // E.164 digits as an integer, XOR veil; 0: none
	address string // instead: a sender that is no number; see FromAddress
}

// FromE164 takes a number with its plus sign, such as "+6281234567123".
func FromE164(s string) (MSISDN, error) {
	digits, ok := strings.CutPrefix(s, "+")
	if !ok {
		return MSISDN{}, fmt.Errorf("%w: E.164 begins with a plus sign", ErrNotANumber)
	}
	return fromDigits(digits)
}

// fromDigits takes country code and number, digits only.
func fromDigits(digits string) (MSISDN, error) {
	if len(digits) < minDigits || len(digits) > maxDigits {
		return MSISDN{}, fmt.Errorf("%w: %d digits where E.164 has %d to %d", ErrNotANumber, len(digits), minDigits, maxDigits)
	}
	if digits[0] == '0' {
		return MSISDN{}, fmt.Errorf("%w: no country code begins with 0", ErrNotANumber)
	}
	var n uint64
	for i := range len(digits) {
		c := digits[i]
		if c < '0' || c > '9' {
			return MSISDN{}, fmt.Errorf("%w: other characters than digits", ErrNotANumber)
		}
		n = n*10 + uint64(c-'0')
	}
	return MSISDN{veiled: n ^ veil}, nil
}

// IsZero says that there is no number.
func (m MSISDN) IsZero() bool { return m == MSISDN{} }

// Digits is the number without the plus sign, as an SMSC wants it with TON 1;
// empty for the zero value. It is not masked.
func (m MSISDN) Digits() string {
	if m.veiled == 0 {
		return ""
	}
	return strconv.FormatUint(m.veiled^veil, 10)
}

// Reveal is the whole number, "+6281234567123"; empty for the zero value.
// Only for who may see it: never for logs, metrics or errors.
func (m MSISDN) Reveal() string {
	if m.veiled == 0 {
		return m.address
	}
	return "+" + m.Digits()
}

// String is the masked form, "+62•••••••123": the country code and the last
// three digits, with seven dots however many are hidden. Empty for the zero value.
func (m MSISDN) String() string {
	switch {
	case m.address != "":
		return veiledAddress
	case m.veiled == 0:
		return ""
	}
	d := m.Digits()
	return "+" + d[:countryCode(d)] + "•••••••" + d[len(d)-3:]
}

// GoString masks %#v.
func (m MSISDN) GoString() string { return "msisdn.MSISDN(" + m.String() + ")" }

// Format masks every verb of fmt.
func (m MSISDN) Format(f fmt.State, verb rune) {
	s := m.String()
	switch {
	case verb == 'q':
		s = strconv.Quote(s)
	case verb == 'v' && f.Flag('#'):
		s = m.GoString()
	}
	if width, ok := f.Width(); ok {
		pad := strings.Repeat(" ", max(0, width-len([]rune(s))))
		if f.Flag('-') {
			s += pad
		} else {
			s = pad + s
		}
	}
	_, _ = f.Write([]byte(s))
}

// MarshalText is masked, for text and XML encoders and map keys.
func (m MSISDN) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// MarshalJSON is masked.
func (m MSISDN) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, m.String()), nil }

// countryCode is how many of the digits are the country code (ITU-T E.164
// annex): one for +1 and +7, two for the list, else three.
func countryCode(digits string) int {
	switch digits[0] {
	case '1', '7':
		return 1
	}
	switch digits[:2] {
	case "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
		"51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66",
		"81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98":
		return 2
	}
	return 3
}
