package gsm7

// FillBits is how many zero bits stand between a user data header of n octets
// (its length octet included) and the first septet of packed text, so that the
// text begins on a septet boundary (3GPP TS 23.040 §9.2.3.24).
func FillBits(n int) int { return (7 - n*8%7) % 7 }

// Pack puts septets into octets, eight into seven, the first into the low
// bits (23.038 §6.1.2.1.1), behind fill zero bits (0 to 6).
func Pack(septets []byte, fill int) []byte {
	bits := fill + 7*len(septets)
	out := make([]byte, (bits+7)/8)
	at := fill
	for _, s := range septets {
		v := uint(s&0x7F) << (at % 8)
		out[at/8] |= byte(v)
		if v > 0xFF {
			out[at/8+1] |= byte(v >> 8)
		}
		at += 7
	}
	return out
}

// Unpack reads n septets behind fill zero bits; n below 0 means all that there
// are. Octets do not tell seven zero bits of padding from an '@' (0x00) in the
// eighth place; as the number of septets is not on SMPP's wire, a last septet of
// zero that only padding would give is left out, as 23.038 §6.1.2.3.1 does for CR.
func Unpack(b []byte, fill, n int) []byte {
	have := max(0, (len(b)*8-fill)/7)
	guess := n < 0
	if guess || n > have {
		n = have
	}
	out := make([]byte, 0, n)
	for at := fill; len(out) < n; at += 7 {
		v := uint(b[at/8]) >> (at % 8)
		if at%8 > 1 {
			v |= uint(b[at/8+1]) << (8 - at%8)
		}
		out = append(out, byte(v&0x7F))
	}
	if last := len(out) - 1; guess && last >= 0 && out[last] == 0 && fill+7*(last+1) == len(b)*8 {
		out = out[:last]
	}
	return out
}
