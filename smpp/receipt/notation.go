package receipt

import (
	"math/big"
	"strings"
)

// Notation is how an SMSC writes the id of one SMS in submit_sm_resp, and in its
// receipt. SMPP 3.4 leaves the form of a message_id open (§5.2.23); some count in
// hexadecimal in one place and in decimal in the other. Upper and lower case, and
// leading zeros, are never told apart.
type Notation string

// The notations.
const (
	Same       Notation = "same"        // the same digits in both
	HexDecimal Notation = "hex-decimal" // hexadecimal in submit_sm_resp, decimal in the receipt
	DecimalHex Notation = "decimal-hex" // the other way round
)

// Form is an id in one notation.
type Form struct {
	ID       string
	Notation Notation
}

// Accepted are the ids that submit_sm_resp may have told, by the id of a receipt.
// Where the notations agree, as for a single digit, or for what is no number,
// there is one, of notation Same.
func Accepted(id string) []Form { return forms(id, HexDecimal, DecimalHex) }

// Written are the ids that a receipt may tell, by the id of submit_sm_resp.
func Written(id string) []Form { return forms(id, DecimalHex, HexDecimal) }

// forms is an id as it is; in hexadecimal, if it is decimal (a notation of digits
// then), and in decimal, if it is hexadecimal (a notation of hex).
func forms(id string, digits, hex Notation) []Form {
	id = Normal(id)
	all := []Form{{id, Same}}
	add := func(from, to int, n Notation) {
		v, ok := new(big.Int).SetString(id, from)
		if !ok {
			return
		}
		if other := strings.ToUpper(v.Text(to)); other != id {
			all = append(all, Form{other, n})
		}
	}
	switch {
	case id == "" || len(id) > maxID:
	case strings.Trim(id, "0123456789") == "":
		add(10, 16, digits)
		add(16, 10, hex)
	case strings.Trim(id, "0123456789ABCDEF") == "":
		add(16, 10, hex)
	}
	return all
}

// Normal is an id without case and leading zeros.
func Normal(id string) string {
	id = strings.ToUpper(strings.TrimSpace(id))
	if bare := strings.TrimLeft(id, "0"); bare != "" {
		return bare
	}
	return id[:min(len(id), 1)]
}
