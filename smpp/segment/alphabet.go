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
	e, err := SplitE(text, ref)
	if e.Alphabet != GSM7 || alphabet == AlphabetGSM7 || alphabet == "" {
		return e, err
	}
	for i, p := range e.Parts {
		octets, ok := transcode(p, alphabet)
		if !ok {
			return splitUCS2(text, ref)
		}
		e.Parts[i].Text = octets
	}
	return e, err
}

func transcode(p Part, alphabet string) ([]byte, bool) {
	if alphabet == AlphabetGSM7Packed {
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
