package msisdn

import (
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Types of number (SMPP 3.4 §5.2.5) that change how an address is read.
const (
	tonInternational = 1
	tonNational      = 2
	tonAlphanumeric  = 5
)

// Parse brings an address from the wire to E.164. ton is its type of number,
// region (ISO 3166, "ID") the country whose national form is meant. Gateways
// label carelessly, so digits decide where the label cannot be right: an
// "international" number that begins with 0 is national. Short codes and
// alphanumeric senders are [ErrNotANumber].
func Parse(addr string, ton byte, region string) (MSISDN, error) {
	digits, plus, err := clean(addr)
	if err != nil {
		return MSISDN{}, err
	}
	if ton == tonAlphanumeric && len(digits) < 9 {
		return MSISDN{}, fmt.Errorf("%w: an alphanumeric sender of %d digits", ErrNotANumber, len(digits))
	}
	if region == "ID" {
		if m, ok := indonesian(digits, plus, ton); ok {
			return m, nil
		}
	}
	if plus {
		return world(digits)
	}
	if ton == tonInternational && digits[0] != '0' {
		return world(digits)
	}
	return guess(digits, ton, region)
}

// clean drops the dress that people and some gateways give a number.
func clean(addr string) (digits string, plus bool, err error) {
	addr = strings.TrimSpace(addr)
	addr, plus = strings.CutPrefix(addr, "+")
	dressed := false
	for i := range len(addr) {
		switch c := addr[i]; {
		case c >= '0' && c <= '9':
		case strings.IndexByte(" -.()/", c) >= 0:
			dressed = true
		default:
			return "", false, fmt.Errorf("%w: other characters than digits", ErrNotANumber)
		}
	}
	if dressed {
		addr = strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, addr)
	}
	if addr == "" {
		return "", false, fmt.Errorf("%w: no digits", ErrNotANumber)
	}
	if len(addr) > maxDigits+5 { // room for an international prefix such as 00 or 01017
		return "", false, fmt.Errorf("%w: %d digits where E.164 has at most %d", ErrNotANumber, len(addr), maxDigits)
	}
	return addr, plus, nil
}

// indonesian is the fast path: a mobile number is 8 and 8 to 11 more digits
// behind 0, 62, +62 or 0062, or bare where the label says national. Anything
// else is left to the numbering plans.
func indonesian(digits string, plus bool, ton byte) (MSISDN, bool) {
	var national string
	switch {
	case strings.HasPrefix(digits, "628"):
		national = digits[2:]
	case plus:
		return MSISDN{}, false
	case strings.HasPrefix(digits, "08"):
		national = digits[1:]
	case strings.HasPrefix(digits, "00628"):
		national = digits[4:]
	case digits[0] == '8' && ton == tonNational:
		national = digits
	default:
		return MSISDN{}, false
	}
	if len(national) < 9 || len(national) > 12 {
		return MSISDN{}, false
	}
	m, err := fromDigits("62" + national)
	return m, err == nil
}

// guess reads digits without a plus sign or a believable label: as the
// region dials them, else as an international number without its plus.
func guess(digits string, ton byte, region string) (MSISDN, error) {
	n, err := phonenumbers.Parse(digits, region)
	if err == nil && phonenumbers.IsValidNumber(n) {
		return fromParsed(n)
	}
	if bare, ok := strings.CutPrefix(digits, "00"); ok {
		return world(bare)
	}
	national := err == nil && phonenumbers.IsPossibleNumberWithReason(n) == phonenumbers.IS_POSSIBLE
	if national && (digits[0] == '0' || ton == tonNational) {
		return fromParsed(n) // a prefix newer than our tables
	}
	if ton == tonNational {
		return MSISDN{}, fmt.Errorf("%w: no national number of the region", ErrNotANumber)
	}
	n, err = phonenumbers.Parse("+"+digits, "ZZ")
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return MSISDN{}, fmt.Errorf("%w: neither a number of the region nor an international one", ErrNotANumber)
	}
	return fromParsed(n)
}

// world reads country code and number: its length must be one that the
// country uses, its prefix may be newer than our tables.
func world(digits string) (MSISDN, error) {
	n, err := phonenumbers.Parse("+"+digits, "ZZ")
	if err != nil {
		return MSISDN{}, fmt.Errorf("%w: no country code that is known", ErrNotANumber)
	}
	if phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return MSISDN{}, fmt.Errorf("%w: a length that the country does not use", ErrNotANumber)
	}
	return fromParsed(n)
}

func fromParsed(n *phonenumbers.PhoneNumber) (MSISDN, error) {
	return FromE164(phonenumbers.Format(n, phonenumbers.E164))
}
