package segment

import (
	"bytes"
	"iter"

	"aduan/smpp/gsm7"
)

// Information elements that we read: those that concatenate (3GPP TS 23.040
// §9.2.3.24.1, .8), and those that name the tables of the text (§9.2.3.24.15, .16).
const (
	ieConcat8  = 0x00
	ieConcat16 = 0x08
	ieSingle   = 0x24
	ieLocking  = 0x25
)

// Concat is what joins the parts of one text: parts of the same sender and
// recipient with equal Ref, Wide and Total belong together.
type Concat struct {
	Ref    uint16
	Wide   bool // the reference has 16 bits; 8-bit references are another space
	Total  int  // 2 to 255
	Number int  // 1 to Total
}

// AppendUDH appends a user data header, its length octet included.
func AppendUDH(dst []byte, c Concat) []byte {
	if c.Wide {
		return append(dst, 6, ieConcat16, 4, byte(c.Ref>>8), byte(c.Ref), byte(c.Total), byte(c.Number))
	}
	return append(dst, 5, ieConcat8, 3, byte(c.Ref), byte(c.Total), byte(c.Number))
}

// ParseUDH finds the concatenation in a user data header (its length octet
// included). It reads the elements while they fit, whatever the length octet
// claims. Elements that make no sense (number 0 or above total) are ignored as
// 23.040 §9.2.3.24.1 says; a total of 1 needs no joining; of several the last
// counts. ok is false where nothing remains.
func ParseUDH(udh []byte) (c Concat, ok bool) {
	for id, data := range elements(udh) {
		if found, is := element(id, data); is {
			c, ok = found, true
		}
	}
	return c, ok
}

// ParseTables finds the national language tables that a user data header names;
// of several the last counts.
func ParseTables(udh []byte) gsm7.Tables {
	var t gsm7.Tables
	for id, data := range elements(udh) {
		switch {
		case len(data) != 1:
		case id == ieSingle:
			t.Single = gsm7.Language(data[0])
		case id == ieLocking:
			t.Locking = gsm7.Language(data[0])
		}
	}
	return t
}

// Foreign reports whether a user data header holds more than we read: another
// element, such as a port number, or octets that are none.
func Foreign(udh []byte) bool {
	read := 1
	for id, data := range elements(udh) {
		read += 2 + len(data)
		switch id {
		case ieConcat8, ieConcat16, ieSingle, ieLocking:
		default:
			return true
		}
	}
	return len(bytes.TrimRight(udh[min(read, len(udh)):], "\x00")) > 0 // some pad with zeros
}

// elements are identifier and data of the information elements that fit, whatever
// the length octet claims.
func elements(udh []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		if len(udh) < 1 {
			return
		}
		rest := udh[1:]
		if claimed := int(udh[0]); claimed < len(rest) {
			rest = rest[:claimed]
		}
		for len(rest) >= 2 {
			id, size := rest[0], int(rest[1])
			rest = rest[2:]
			if size > len(rest) || !yield(id, rest[:size]) {
				return
			}
			rest = rest[size:]
		}
	}
}

func element(id byte, data []byte) (Concat, bool) {
	var c Concat
	switch {
	case id == ieConcat8 && len(data) == 3:
		c = Concat{Ref: uint16(data[0]), Total: int(data[1]), Number: int(data[2])}
	case id == ieConcat16 && len(data) == 4:
		c = Concat{Ref: uint16(data[0])<<8 | uint16(data[1]), Wide: true, Total: int(data[2]), Number: int(data[3])}
	}
	return c, c.Total >= 2 && c.Number >= 1 && c.Number <= c.Total
}
