package msisdn

import "strings"

// veiledAddress stands in print for a sender that is no number.
const veiledAddress = "•••"

// FromAddress takes a sender that is no telephone number (a short code, an
// alphanumeric name) as an identity of its own, so that what it sends can be
// kept. It prints as three dots and is never written to.
func FromAddress(addr string) MSISDN { return MSISDN{address: addr} }

// IsNumber says that this is a telephone number: one that can be answered.
func (m MSISDN) IsNumber() bool { return m.veiled != 0 }

// FromRevealed is the inverse of Reveal: a number in E.164, or an address as it came.
func FromRevealed(s string) MSISDN {
	if strings.HasPrefix(s, "+") {
		if m, err := FromE164(s); err == nil {
			return m
		}
	}
	return FromAddress(s)
}
