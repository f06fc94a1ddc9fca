package smpp

import "encoding/binary"

// Tags of optional parameters that matter here (SMPP 3.4 §5.3.2).
const (
	TagReceiptedMessageID   uint16 = 0x001E
	TagSourceSubaddress     uint16 = 0x0202
	TagDestSubaddress       uint16 = 0x0203
	TagUserMessageReference uint16 = 0x0204
	TagSARMsgRefNum         uint16 = 0x020C
	TagSARTotalSegments     uint16 = 0x020E
	TagSARSegmentSeqnum     uint16 = 0x020F
	TagSCInterfaceVersion   uint16 = 0x0210
	TagNetworkErrorCode     uint16 = 0x0423
	TagMessagePayload       uint16 = 0x0424
	TagMoreMessagesToSend   uint16 = 0x0426
	TagMessageState         uint16 = 0x0427
	TagCongestionState      uint16 = 0x0428
)

// TLV is one optional parameter. Unknown tags are kept, and mean nothing to us.
type TLV struct {
	Tag   uint16
	Value []byte
}

// TLVs are the optional parameters of a PDU in the order of the wire.
type TLVs []TLV

// Get returns the value of a tag; where a tag stands twice, the last wins.
func (t TLVs) Get(tag uint16) ([]byte, bool) {
	for i := len(t) - 1; i >= 0; i-- {
		if t[i].Tag == tag {
			return t[i].Value, true
		}
	}
	return nil, false
}

// Uint8 returns a parameter of exactly one octet.
func (t TLVs) Uint8(tag uint16) (byte, bool) {
	if v, ok := t.Get(tag); ok && len(v) == 1 {
		return v[0], true
	}
	return 0, false
}

// Uint16 returns a parameter of exactly two octets.
func (t TLVs) Uint16(tag uint16) (uint16, bool) {
	if v, ok := t.Get(tag); ok && len(v) == 2 {
		return binary.BigEndian.Uint16(v), true
	}
	return 0, false
}

// tlvSizes bounds the value of the parameters that we read, in octets.
var tlvSizes = map[uint16][2]int{
	TagReceiptedMessageID:   {1, 65},
	TagSourceSubaddress:     {2, 23},
	TagDestSubaddress:       {2, 23},
	TagUserMessageReference: {2, 2},
	TagSARMsgRefNum:         {2, 2},
	TagSARTotalSegments:     {1, 1},
	TagSARSegmentSeqnum:     {1, 1},
	TagSCInterfaceVersion:   {1, 1},
	TagNetworkErrorCode:     {3, 3},
	TagMoreMessagesToSend:   {0, 1},
	TagMessageState:         {1, 1},
	TagCongestionState:      {1, 1},
}

// decodeTLVs reads the optional part of a body. Unlike pdutlv.DecodeTLV, which
// it is tested against, it keeps order and repetitions, keeps what stood before a
// fault, and takes stray octets at the end for the fault that they are.
func decodeTLVs(id CommandID, b []byte) (TLVs, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var ts TLVs
	var fault error
	for len(b) > 0 {
		if len(b) < 4 {
			return ts, &PDUError{ID: id, Status: StatusRINVOPTPARSTREAM, Field: "optional parameters", What: "stray octets at the end"}
		}
		tag, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if b = b[4:]; n > len(b) {
			return ts, &PDUError{ID: id, Status: StatusRINVOPTPARSTREAM, Field: tagName(tag), What: "its length reaches past the end of the PDU"}
		}
		if size, ok := tlvSizes[tag]; ok && (n < size[0] || n > size[1]) {
			fault = &PDUError{ID: id, Status: StatusRINVPARLEN, Field: tagName(tag), What: "wrong size"}
		}
		ts = append(ts, TLV{Tag: tag, Value: b[:n:n]})
		b = b[n:]
	}
	return ts, fault
}

func tagName(tag uint16) string {
	const hex = "0123456789ABCDEF"
	return string([]byte{'0', 'x', hex[tag>>12], hex[tag>>8&15], hex[tag>>4&15], hex[tag&15]})
}
