package segment

import (
	"golang.org/x/text/encoding/charmap"

	"aduan/smpp/gsm7"
)

// SplitFor is [SplitE] for a link on which data_coding 0 means another
// alphabet than GSM 7-bit unpacked: the parts are cut as the SMSC will send them
// on, and written as the link wants them. What the link's alphabet cannot say
// goes as UCS-2.
func SplitFor(text string, ref byte, alphabet string) (Encoded, error) {
	return Wire{Alphabet: alphabet}.Split(text, ref)
}

// transcode writes a part's septets as the link's alphabet wants them.
func transcode(p Part, alphabet string) ([]byte, bool) {
	switch alphabet {
	case "", AlphabetGSM7:
		return p.Text, true
	case AlphabetGSM7Packed:
		return gsm7.Pack(p.Text, gsm7.FillBits(len(p.UDH))), true
	}
	text, _ := gsm7.Decode(p.Text)
	if alphabet == AlphabetUTF8 {
		return []byte(text), true
	}
	out := make([]byte, 0, len(text))
	for _, r := range text {
		c, ok := charmap.ISO8859_1.EncodeRune(r)
		if !ok || alphabet == AlphabetASCII && c >= 0x80 {
			return nil, false
		}
		out = append(out, c)
	}
	return out, true
}
