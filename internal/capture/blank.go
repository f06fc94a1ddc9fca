package capture

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"

	"aduan/smpp"
)

// Blank says what is taken out of PDUs before anybody sees them.
type Blank struct {
	Keep       []string // addresses that are the line's own and may stay, as its short code
	Unredacted bool     // only passwords are taken out
}

// PDU blanks a whole PDU in place, at the same length. What cannot be read is blanked from there to its end: nothing
// passes that is not understood.
func (bl Blank) PDU(frame []byte) {
	h := smpp.ParseHeader(frame)
	if len(frame) < smpp.HeaderLen || uint64(h.Length) != uint64(len(frame)) { // a piece of what was never one: none of it is understood
		clear(frame)
		return
	}
	c := &cursor{b: frame, at: smpp.HeaderLen}
	switch h.ID {
	case smpp.CmdBindReceiver, smpp.CmdBindTransmitter, smpp.CmdBindTransceiver, smpp.CmdOutbind:
		c.str() // system_id
		fill(c.str(), '*')
		if !c.broken {
			return // system_type, version, address_range: as the operator gave them
		}
		clear(c.rest())
		return
	}
	if bl.Unredacted {
		return
	}
	switch h.ID {
	case smpp.CmdSubmitSM, smpp.CmdDeliverSM, smpp.CmdDataSM:
		bl.message(c, h.ID)
	case smpp.CmdSubmitSMResp, smpp.CmdDeliverSMResp, smpp.CmdDataSMResp, smpp.CmdBindReceiverResp, smpp.CmdBindTransmitterResp, smpp.CmdBindTransceiverResp:
		c.str() // message_id or system_id
		bl.tlvs(c, content{})
	}
	clear(c.rest())
}

// content is what a message says of its text.
type content struct {
	udhi, receipt, unicode bool
}

func (bl Blank) message(c *cursor, id smpp.CommandID) {
	c.str() // service_type
	c.skip(2)
	bl.address(c.str())
	c.skip(2)
	bl.address(c.str())
	class := c.octet()
	if id != smpp.CmdDataSM {
		c.skip(2) // protocol_id, priority_flag
		c.str()   // schedule_delivery_time
		c.str()   // validity_period
	}
	c.octet() // registered_delivery
	if id != smpp.CmdDataSM {
		c.octet() // replace_if_present_flag
	}
	coding := c.octet()
	kind := class & smpp.ESMTypeMask
	about := content{
		udhi:    class&smpp.ESMUDHI != 0,
		receipt: kind == smpp.ESMReceipt || kind == smpp.ESMIntermediate,
		unicode: coding == 8 || coding&0xCC == 8, // 3GPP TS 23.038 §4: 00xx 10xx
	}
	if id != smpp.CmdDataSM {
		c.octet() // sm_default_msg_id
		length := int(c.octet())
		about.blank(c.take(length))
	}
	bl.tlvs(c, about)
}

// address blanks a telephone number, or any other name.
func (bl Blank) address(a []byte) {
	for _, keep := range bl.Keep {
		if keep != "" && string(a) == keep {
			return
		}
	}
	for i, b := range a {
		if b >= '0' && b <= '9' {
			a[i] = '0'
		} else {
			a[i] = 'x'
		}
	}
}

// receiptHead is what a receipt says before its text: fields that hold no words of anybody.
var receiptHead = regexp.MustCompile(`(?i)^\s*id:\s*[0-9A-Za-z-]{0,64}\s+(?:(?:(?:sub|dlvrd):\s*\d{0,10}|(?:submit|done) date:\s*[0-9+.]{0,24}|stat:\s*[A-Za-z]{0,10}|err:\s*[0-9A-Za-z]{0,10})\s+)*`)

// blank blanks a text. Its user data header stays, but for elements that hold more than numbers of parts, ports and
// alphabets.
func (t content) blank(text []byte) {
	if t.udhi && len(text) > 0 && int(text[0])+1 <= len(text) {
		n := int(text[0]) + 1
		blankUDH(text[1:n])
		text = text[n:]
	}
	if t.receipt {
		text = text[len(receiptHead.Find(text)):]
		if bytes.HasPrefix(bytes.ToLower(text), []byte("text:")) {
			text = text[len("text:"):]
		}
	}
	if t.unicode {
		for len(text) > 1 {
			text[0], text[1] = 0, 'x'
			text = text[2:]
		}
	}
	fill(text, 'x') // the same letter in ASCII, GSM 7-bit and Latin-1
}

// blankUDH blanks the elements of a user data header (3GPP TS 23.040 §9.2.3.24) whose content is not known to be harmless.
func blankUDH(ies []byte) {
	for len(ies) > 0 {
		if len(ies) < 2 || int(ies[1])+2 > len(ies) {
			clear(ies)
			return
		}
		id, n := ies[0], int(ies[1])+2
		switch id {
		case 0x00, 0x08, 0x04, 0x05, 0x24, 0x25: // parts with 8 and 16 bits, ports, national language tables
		default:
			clear(ies[2:n])
		}
		ies = ies[n:]
	}
}

// harmless are the optional parameters that name no one and hold no words (SMPP 3.4 §5.3.2).
var harmless = func() map[uint16]bool {
	m := make(map[uint16]bool)
	for _, tag := range []uint16{
		0x0005, 0x0006, 0x0007, 0x0008, 0x000D, 0x000E, 0x000F, 0x0010, 0x0017, 0x0019, 0x001E, 0x0030,
		0x0201, 0x0204, 0x0205, 0x020A, 0x020B, 0x020C, 0x020D, 0x020E, 0x020F, 0x0210, 0x0302, 0x0304,
		0x0420, 0x0421, 0x0422, 0x0423, 0x0425, 0x0426, 0x0427, 0x0428, 0x0501, 0x1201, 0x1203, 0x1204, 0x130C, 0x1380, 0x1383,
	} {
		m[tag] = true
	}
	return m
}()

// known are those that are blanked, and keep their places: subaddresses, call-back numbers, texts, the operator's own.
func known(tag uint16) bool {
	switch tag {
	case 0x001D, 0x0202, 0x0203, 0x0303, 0x0381, 0x0424:
		return true
	}
	return harmless[tag] || tag >= 0x1400 && tag <= 0x3FFF
}

func (bl Blank) tlvs(c *cursor, about content) {
	if c.broken || !whole(c.rest()) { // a text that the lengths cut wrongly may stand here
		return
	}
	for len(c.rest()) >= 4 {
		tag := binary.BigEndian.Uint16(c.rest())
		if !known(tag) {
			return
		}
		value := c.rest()[4 : 4+int(binary.BigEndian.Uint16(c.rest()[2:]))]
		c.skip(4 + len(value))
		switch {
		case harmless[tag]:
		case tag == smpp.TagMessagePayload:
			about.blank(value)
		case tag == 0x001D: // additional_status_info_text, a string
			fill(bytes.TrimRight(value, "\x00"), 'x')
		default:
			clear(value)
		}
	}
}

// whole says whether optional parameters fill b exactly.
func whole(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		n := 4 + int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b) {
			return false
		}
		b = b[n:]
	}
	return true
}

func fill(b []byte, with byte) {
	copy(b, strings.Repeat(string(with), len(b)))
}

// cursor walks a PDU; where it is broken it stays, and gives nothing more.
type cursor struct {
	b      []byte
	at     int
	broken bool
}

func (c *cursor) rest() []byte { return c.b[c.at:] }

func (c *cursor) take(n int) []byte {
	if c.broken || n > len(c.rest()) {
		c.broken = true
		return nil
	}
	part := c.rest()[:n]
	c.at += n
	return part
}

func (c *cursor) skip(n int) { c.take(n) }

func (c *cursor) octet() byte {
	if part := c.take(1); part != nil {
		return part[0]
	}
	return 0
}

// str takes a string, and gives it without its NUL.
func (c *cursor) str() []byte {
	n := bytes.IndexByte(c.rest(), 0)
	if c.broken || n < 0 {
		c.broken = true
		return nil
	}
	return c.take(n + 1)[:n]
}
