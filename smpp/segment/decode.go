package segment

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"

	"aduan/smpp/gsm7"
)

// The alphabets that data_coding 0 may mean on a link.
const (
	AlphabetGSM7       = "gsm7" // one septet an octet
	AlphabetGSM7Packed = "gsm7-packed"
	AlphabetLatin1     = "latin1"
	AlphabetASCII      = "ascii"
	AlphabetUTF8       = "utf8"
)

// DecodeText reads the text of one part by its data_coding (SMPP 3.4
// §5.2.19, GSM 03.38 for 0x10 and above); alphabet is what 0 means on the link.
// What a UDH changes (packed text begins after fill bits, and in national tables)
// [Join] knows. false: unreadable, such as binary data; the text is then what could be read,
// to be kept beside the octets.
func DecodeText(dataCoding byte, alphabet string, b []byte) (string, bool) {
	return decode(dataCoding, alphabet, gsm7.Tables{}, b)
}

// Segment is one part of a longer text as it came.
type Segment struct {
	UDH, Text []byte
}

// Join reads the parts of one text in order. Unlike the parts' texts put side by
// side, it also reads what a careless sender cut through: a surrogate pair, an
// escape. All parts are of one data_coding; national tables hold for the part that
// names them (23.038 §6.2.1.2.3), so parts are read together as far as they agree.
func Join(dataCoding byte, alphabet string, parts []Segment) (string, bool) {
	var text strings.Builder
	readable := true
	for len(parts) > 0 {
		tables, n := ParseTables(parts[0].UDH), 1
		for n < len(parts) && ParseTables(parts[n].UDH) == tables {
			n++
		}
		s, ok := joinRun(dataCoding, alphabet, tables, parts[:n])
		text.WriteString(s)
		readable = readable && ok
		parts = parts[n:]
	}
	return text.String(), readable
}

func joinRun(dataCoding byte, alphabet string, tables gsm7.Tables, parts []Segment) (string, bool) {
	if kindOf(dataCoding) == kindDefault && alphabet == AlphabetGSM7Packed {
		var septets []byte
		for i, p := range parts {
			fill, n := gsm7.FillBits(len(p.UDH)), -1
			if i < len(parts)-1 { // full: what looks like padding is an '@'
				n = (len(p.Text)*8 - fill) / 7
			}
			septets = append(septets, gsm7.Unpack(p.Text, fill, n)...)
		}
		return tables.Decode(septets)
	}
	if len(parts) == 1 {
		return decode(dataCoding, alphabet, tables, parts[0].Text)
	}
	var all bytes.Buffer
	for _, p := range parts {
		all.Write(p.Text)
	}
	return decode(dataCoding, alphabet, tables, all.Bytes())
}

// More reports whether the octets of parts that [Join] read say more than their
// text, so that they are to be kept beside it: a header element that we do not
// read, what reads as U+FFFD, or Japanese in a form that could only be guessed.
func More(dataCoding byte, parts []Segment, text string) bool {
	if strings.ContainsRune(text, utf8.RuneError) {
		return true
	}
	guessed := kindOf(dataCoding) == kindJIS
	for _, p := range parts {
		if Foreign(p.UDH) {
			return true
		}
		guessed = guessed && !bytes.Contains(p.Text, jisEscape)
	}
	return guessed
}

type kind int

const (
	kindDefault kind = iota // what the link's settings say
	kindASCII
	kindLatin1
	kindCyrillic
	kindHebrew
	kindJIS
	kindUCS2
	kindBinary
)

// kindOf reads data_coding: below 0x10 by SMPP's table, above it as GSM's data
// coding scheme (3GPP TS 23.038 §4), where reserved groups mean the default alphabet.
func kindOf(dc byte) kind {
	switch dc {
	case 0x00:
		return kindDefault
	case 0x01:
		return kindASCII
	case 0x03:
		return kindLatin1
	case 0x05:
		return kindJIS
	case 0x06:
		return kindCyrillic
	case 0x07:
		return kindHebrew
	case 0x08:
		return kindUCS2
	}
	switch dc >> 4 {
	case 0x0: // octets, pictograms, music, Korean: not read here
		return kindBinary
	case 0x1, 0x2, 0x3: // general data coding, bit 5: compressed
		switch {
		case dc&0x20 != 0:
			return kindBinary
		case dc&0x0C == 0x04:
			return kindBinary
		case dc&0x0C == 0x08:
			return kindUCS2
		}
	case 0xE: // message waiting, UCS-2
		return kindUCS2
	case 0xF:
		if dc&0x04 != 0 {
			return kindBinary
		}
	}
	return kindDefault
}

func decode(dc byte, alphabet string, tables gsm7.Tables, b []byte) (string, bool) {
	switch kindOf(dc) {
	case kindASCII:
		return ia5(b)
	case kindLatin1:
		return table(charmap.Windows1252, b), true
	case kindCyrillic:
		return table(charmap.ISO8859_5, b), true
	case kindHebrew:
		return table(charmap.ISO8859_8, b), true
	case kindJIS:
		return jis(b)
	case kindUCS2:
		return ucs2(b), true
	case kindBinary:
		return "", false
	}
	switch alphabet {
	case AlphabetGSM7Packed:
		return tables.Decode(gsm7.Unpack(b, 0, -1))
	case AlphabetLatin1:
		return table(charmap.Windows1252, b), true
	case AlphabetASCII:
		return ascii(b)
	case AlphabetUTF8:
		return strings.ToValidUTF8(string(b), "\uFFFD"), utf8.Valid(b)
	}
	return tables.Decode(b)
}

// ia5 reads data_coding 1. By the book it is ASCII; common libraries mean GSM
// 7-bit by it. The controls that ASCII text never holds tell them apart: in GSM
// they are '@', '$', '_', Greek and accented letters, and the escape.
func ia5(b []byte) (string, bool) {
	for _, c := range b {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' {
			return gsm7.Decode(b)
		}
	}
	return ascii(b)
}

func ascii(b []byte) (string, bool) {
	for _, c := range b {
		if c >= 0x80 {
			return strings.ToValidUTF8(string(b), "\uFFFD"), false
		}
	}
	return string(b), true
}

// table reads a one-octet alphabet. Gateways that say Latin-1 send
// Windows-1252, its superset but for controls; the five octets that it leaves
// undefined read as U+FFFD.
func table(m *charmap.Charmap, b []byte) string {
	var s strings.Builder
	for _, c := range b {
		s.WriteRune(m.DecodeByte(c))
	}
	return s.String()
}

// jisEscape begins what ISO-2022-JP changes its character set by.
var jisEscape = []byte("\x1b")

// jis reads data_coding 5, "JIS (X 0208-1990)" (SMPP 3.4 §5.2.19), which does not
// say how X 0208 is laid into octets. With an escape it is ISO-2022-JP. Octets of 7
// bits without one are read as its initial set, ASCII; those of 8 bits as EUC-JP
// where that makes sense of all of them, else as Shift JIS, else not at all. (Shift JIS
// takes nearly all of EUC-JP for narrow katakana, EUC-JP little of Shift JIS.)
func jis(b []byte) (string, bool) {
	if bytes.Contains(b, jisEscape) {
		return foreign(japanese.ISO2022JP, b)
	}
	if text, ok := ascii(b); ok {
		return text, true
	}
	if text, ok := foreign(japanese.EUCJP, b); ok {
		return text, true
	}
	return foreign(japanese.ShiftJIS, b)
}

// foreign reads an alphabet of several octets; false where an octet makes no sense.
func foreign(e encoding.Encoding, b []byte) (string, bool) {
	text, err := e.NewDecoder().Bytes(b)
	return string(text), err == nil && !bytes.ContainsRune(text, utf8.RuneError)
}

// ucs2 reads UTF-16, big-endian unless a byte order mark says otherwise. A
// lone surrogate or an odd last octet reads as U+FFFD.
func ucs2(b []byte) string {
	little := bytes.HasPrefix(b, []byte{0xFF, 0xFE})
	if little || bytes.HasPrefix(b, []byte{0xFE, 0xFF}) {
		b = b[2:]
	}
	units := make([]uint16, 0, len(b)/2+1)
	for ; len(b) >= 2; b = b[2:] {
		if little {
			units = append(units, uint16(b[1])<<8|uint16(b[0]))
		} else {
			units = append(units, uint16(b[0])<<8|uint16(b[1]))
		}
	}
	if len(b) == 1 {
		units = append(units, utf8.RuneError)
	}
	return string(utf16.Decode(units))
}
