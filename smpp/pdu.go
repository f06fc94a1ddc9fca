package smpp

import "encoding/binary"

// HeaderLen is the length of a PDU's header, in octets.
const HeaderLen = 16

// MaxShortMessage is the longest short_message, UDH included, in octets (SMPP 3.4 §5.2.22).
const MaxShortMessage = 254

// Header is a PDU's header (SMPP 3.4 §5.1).
type Header struct {
	Length uint32
	ID     CommandID
	Status Status
	Seq    uint32
}

// ParseHeader reads the header of a frame; a frame shorter than a header reads as the zero Header.
func ParseHeader(frame []byte) Header {
	if len(frame) < HeaderLen {
		return Header{}
	}
	return Header{
		Length: binary.BigEndian.Uint32(frame),
		ID:     CommandID(binary.BigEndian.Uint32(frame[4:])),
		Status: Status(binary.BigEndian.Uint32(frame[8:])),
		Seq:    binary.BigEndian.Uint32(frame[12:]),
	}
}

// Address is an SME address with its type of number and numbering plan (SMPP 3.4 §5.2.5–9).
type Address struct {
	TON, NPI byte
	Addr     string
}

// Bind is the body of bind_transmitter, bind_receiver and bind_transceiver.
type Bind struct {
	ID                                 CommandID
	SystemID, Password, SystemType     string
	InterfaceVersion, AddrTON, AddrNPI byte
	AddressRange                       string
}

// BindResp is the body of the three bind responses.
type BindResp struct {
	SystemID string
	TLVs     TLVs
}

// Bits of esm_class (SMPP 3.4 §5.2.12).
const (
	ESMTypeMask     byte = 0x3C
	ESMReceipt      byte = 0x04
	ESMIntermediate byte = 0x20
	ESMUDHI         byte = 0x40
	ESMReplyPath    byte = 0x80
)

// Message is what deliver_sm, submit_sm and data_sm carry; data_sm has no
// ProtocolID, PriorityFlag, times, ReplaceIfPresent, SMDefaultMsgID or ShortMessage.
type Message struct {
	ServiceType          string
	Source, Destination  Address
	ESMClass             byte
	ProtocolID           byte
	PriorityFlag         byte
	ScheduleDeliveryTime string
	ValidityPeriod       string
	RegisteredDelivery   byte
	ReplaceIfPresent     byte
	DataCoding           byte
	SMDefaultMsgID       byte
	ShortMessage         []byte // raw, the UDH included; at most 254 octets
	TLVs                 TLVs
}

// Content splits the text from its user data header. The octets are those of
// short_message or, where that is empty, of message_payload, which may begin with a UDH too.
//
// udh includes its length octet and is nil without the UDHI bit. A length that
// reaches past the end is no header at all: then everything is text, so that nothing is lost.
func (m *Message) Content() (udh, text []byte) {
	text = m.ShortMessage
	if len(text) == 0 {
		if payload, ok := m.TLVs.Get(TagMessagePayload); ok {
			text = payload
		}
	}
	if m.ESMClass&ESMUDHI == 0 || len(text) == 0 {
		return nil, text
	}
	end := int(text[0]) + 1
	if end > len(text) {
		return nil, text
	}
	return text[:end:end], text[end:]
}
