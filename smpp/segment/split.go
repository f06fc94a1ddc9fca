package segment

import (
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"aduan/smpp/gsm7"
)

// Data codings of what we send (SMPP 3.4 §5.2.19). 0 is the SMSC's default
// alphabet: GSM 7-bit, unless the link's settings say otherwise.
const (
	DataCodingDefault byte = 0x00
	DataCodingUCS2    byte = 0x08
)

// The alphabets of an [Encoded].
const (
	GSM7 = "gsm7"
	UCS2 = "ucs2"
)

// MaxParts is the most that an 8-bit concatenation header can count.
const MaxParts = 255

// What one SMS holds: 140 octets, less 6 of concatenation header.
const (
	gsmSingle, gsmPart   = 160, 153 // septets
	ucs2Single, ucs2Part = 70, 67   // UTF-16 code units
)

// ErrTooLong says that a text needs more than 255 parts.
var ErrTooLong = errors.New("segment: the text needs more than 255 parts")

// Encoded is a text ready for the wire.
type Encoded struct {
	Alphabet   string // GSM7 or UCS2
	DataCoding byte
	Tables     gsm7.Tables // that the parts' headers name; zero: none
	Parts      []Part
}

// Part is what one SMS carries.
type Part struct {
	UDH  []byte // its length octet included; nil where the text needs none
	Text []byte // GSM: one septet an octet; UCS-2: big-endian
}

// Payload is UDH and text as short_message wants them, at most 159 octets
// (160 without UDH).
func (p Part) Payload() []byte {
	if len(p.UDH) == 0 {
		return p.Text
	}
	return append(append(make([]byte, 0, len(p.UDH)+len(p.Text)), p.UDH...), p.Text...)
}

// Split encodes a text in GSM 7-bit where it fits after [gsm7.Rewrite], else
// unchanged in UCS-2, and cuts it into parts with the 8-bit reference ref. An
// empty text is one empty part. Of a text that needs more than 255 parts the
// first 255 are given: ask [SplitE] where that can happen.
func Split(text string, ref byte) Encoded {
	e, _ := SplitE(text, ref)
	return e
}

// SplitE is [Split] that says [ErrTooLong].
func SplitE(text string, ref byte) (Encoded, error) {
	return Wire{}.Split(text, ref)
}

func splitUCS2(text string, ref byte) (Encoded, error) {
	return number(Encoded{Alphabet: UCS2, DataCoding: DataCodingUCS2}, cutUnits(text), ref)
}

// number makes parts of the chunks, with a header where there are several.
func number(e Encoded, chunks [][]byte, ref byte) (Encoded, error) {
	var err error
	if len(chunks) > MaxParts {
		err = fmt.Errorf("%w: %d", ErrTooLong, len(chunks))
		chunks = chunks[:MaxParts]
	}
	e.Parts = make([]Part, len(chunks))
	for i, c := range chunks {
		e.Parts[i].Text = c
		if len(chunks) > 1 {
			e.Parts[i].UDH = AppendUDH(nil, Concat{Ref: uint16(ref), Total: len(chunks), Number: i + 1})
		}
		e.Parts[i].UDH = appendTables(e.Parts[i].UDH, e.Tables)
	}
	return e, err
}

// Count says what a text costs: its alphabet ("gsm7" or "ucs2"), how many
// segments, and how many septets or UTF-16 units are left in the last. What a
// link changes of that, [Wire.Count] knows.
func Count(text string) (alphabet string, segments, left int) { return Wire{}.Count(text) }

func room(chunks [][]byte, single, part, octets int) int {
	used := len(chunks[len(chunks)-1]) / octets
	if len(chunks) == 1 {
		return single - used
	}
	return part - used
}

// cutSeptets never parts an escape from its septet.
func cutSeptets(septets []byte, single, part int) [][]byte {
	if len(septets) <= single {
		return [][]byte{septets}
	}
	chunks := make([][]byte, 0, len(septets)/part+1)
	for len(septets) > part {
		n := part
		if septets[n-1] == gsm7.Escape { // Encode writes no doubled escape: this one belongs to the next septet
			n--
		}
		chunks = append(chunks, septets[:n:n])
		septets = septets[n:]
	}
	return append(chunks, septets)
}

// cutUnits never cuts a surrogate pair, and a grapheme only where it is longer
// than a part.
func cutUnits(text string) [][]byte {
	if octets := appendUTF16(nil, text); len(octets) <= 2*ucs2Single {
		return [][]byte{octets}
	}
	var chunks [][]byte
	var chunk []byte
	state := -1
	for rest := text; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		octets := appendUTF16(nil, cluster)
		if len(octets) > 2*ucs2Part {
			chunks, chunk = cutCluster(chunks, chunk, cluster)
			continue
		}
		if len(chunk)+len(octets) > 2*ucs2Part {
			chunks = append(chunks, chunk)
			chunk = nil
		}
		chunk = append(chunk, octets...)
	}
	return append(chunks, chunk)
}

// cutCluster places a grapheme that no part can hold, such as a letter under a
// hundred marks, rune by rune.
func cutCluster(chunks [][]byte, chunk []byte, cluster string) ([][]byte, []byte) {
	for _, r := range cluster {
		if len(chunk)+2*max(1, utf16.RuneLen(r)) > 2*ucs2Part {
			chunks = append(chunks, chunk)
			chunk = nil
		}
		chunk = appendUTF16(chunk, string(r))
	}
	return chunks, chunk
}

func appendUTF16(dst []byte, s string) []byte {
	for _, r := range s {
		if r > 0xFFFF {
			hi, lo := utf16.EncodeRune(r)
			dst = append(dst, byte(hi>>8), byte(hi), byte(lo>>8), byte(lo))
			continue
		}
		if r < 0 {
			r = utf8.RuneError
		}
		dst = append(dst, byte(r>>8), byte(r))
	}
	return dst
}
