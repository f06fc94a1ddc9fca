package segment

import (
	"fmt"

	"aduan/smpp/gsm7"
)

// Wire is how texts are written on a link. The zero Wire is GSM 7-bit unpacked,
// without national tables.
type Wire struct {
	// Alphabet is what data_coding 0 means to the SMSC; "": gsm7.
	Alphabet string
	// Languages are those whose shift tables its telephones read. They shift
	// within GSM 7-bit: under another alphabet they are not used.
	Languages []gsm7.Language
}

// NewWire reads the names of the settings; an unknown language is an error.
func NewWire(alphabet string, languages []string) (Wire, error) {
	w := Wire{Alphabet: alphabet}
	for _, name := range languages {
		l, ok := gsm7.ParseLanguage(name)
		if !ok {
			return Wire{}, fmt.Errorf("segment: no national language %q", name)
		}
		w.Languages = append(w.Languages, l)
	}
	return w, nil
}

// Split encodes a text for the link and cuts it into parts with the 8-bit
// reference ref. Of the encodings that the link takes it chooses the one with the
// fewest segments: GSM 7-bit, then UCS-2, which every telephone reads, then
// national tables, where they save a segment. [ErrTooLong] as of [SplitE].
func (w Wire) Split(text string, ref byte) (Encoded, error) {
	p := w.plan(text)
	e, err := number(Encoded{Alphabet: p.alphabet, DataCoding: p.coding, Tables: p.tables}, p.chunks, ref)
	if p.alphabet != GSM7 {
		return e, err
	}
	for i, part := range e.Parts {
		octets, ok := transcode(part, w.Alphabet)
		if !ok { // never: plan has looked
			return splitUCS2(text, ref)
		}
		e.Parts[i].Text = octets
	}
	return e, err
}

// Count says what a text costs on the link: its alphabet ("gsm7" or "ucs2"; national
// tables are GSM 7-bit), how many segments, and how many septets or UTF-16 units are
// left in the last. It agrees with Split.
func (w Wire) Count(text string) (alphabet string, segments, left int) {
	p := w.plan(text)
	octets, single, part := 2, ucs2Single, ucs2Part
	if p.alphabet == GSM7 {
		octets, single, part = 1, capacity(p.tables, false), capacity(p.tables, true)
	}
	return p.alphabet, len(p.chunks), room(p.chunks, single, part, octets)
}

// Wires are the links that a text may go by.
type Wires []Wire

// Count is [Wire.Count] where the link is not known yet: of several it tells the one
// that costs the most segments, so that no link sends more than was said.
func (ws Wires) Count(text string) (alphabet string, segments, left int) {
	if len(ws) == 0 {
		return Wire{}.Count(text)
	}
	for _, w := range ws {
		if a, n, l := w.Count(text); n > segments || n == segments && l < left {
			alphabet, segments, left = a, n, l
		}
	}
	return alphabet, segments, left
}

// plan is a text's cheapest encoding on a link, cut.
type plan struct {
	alphabet string
	coding   byte
	tables   gsm7.Tables
	chunks   [][]byte
}

func (w Wire) plan(text string) plan {
	plain := gsm7.Rewrite(text)
	septets, fits := gsm7.Encode(plain)
	if fits && w.says(plain) {
		best := plan{GSM7, DataCodingDefault, gsm7.Tables{}, cutSeptets(septets, gsmSingle, gsmPart)}
		if len(best.chunks) == 1 {
			return best
		}
		return w.cheaper(best, plain)
	}
	best := plan{alphabet: UCS2, coding: DataCodingUCS2, chunks: cutUnits(text)}
	if len(best.chunks) == 1 {
		return best
	}
	return w.cheaper(best, plain)
}

// says reports whether the link's alphabet has what GSM 7-bit has.
func (w Wire) says(plain string) bool {
	for _, r := range plain {
		switch {
		case r < 0x80:
		case w.Alphabet == AlphabetASCII, w.Alphabet == AlphabetLatin1 && r > 0xFF:
			return false
		}
	}
	return true
}

// cheaper tries the national tables against what would be sent without them.
func (w Wire) cheaper(best plan, plain string) plan {
	if w.Alphabet != "" && w.Alphabet != AlphabetGSM7 && w.Alphabet != AlphabetGSM7Packed {
		return best
	}
	for _, l := range w.Languages {
		for _, t := range []gsm7.Tables{{Single: l}, {Locking: l}, {Locking: l, Single: l}} {
			if t.Locking != gsm7.Default && !l.HasLocking() {
				continue
			}
			septets, ok := t.AppendEncode(nil, plain)
			if !ok {
				continue
			}
			if chunks := cutSeptets(septets, capacity(t, false), capacity(t, true)); len(chunks) < len(best.chunks) {
				best = plan{GSM7, DataCodingDefault, t, chunks}
			}
		}
	}
	return best
}

// capacity is how many septets one SMS holds beside its header: 140 octets less
// the header, which national tables lengthen by 3 octets each (23.040 §9.2.3.24.15, .16).
func capacity(t gsm7.Tables, concatenated bool) int {
	header := 0
	if concatenated {
		header = 5
	}
	for _, l := range []gsm7.Language{t.Locking, t.Single} {
		if l != gsm7.Default {
			header += 3
		}
	}
	if header == 0 {
		return gsmSingle
	}
	return (140 - 1 - header) * 8 / 7
}

// appendTables adds the elements that name a text's tables to a header, which is
// made where there is none.
func appendTables(udh []byte, t gsm7.Tables) []byte {
	add := func(id byte, l gsm7.Language) {
		if l == gsm7.Default {
			return
		}
		if len(udh) == 0 {
			udh = []byte{0}
		}
		udh = append(udh, id, 1, byte(l))
		udh[0] += 3
	}
	add(ieLocking, t.Locking)
	add(ieSingle, t.Single)
	return udh
}
