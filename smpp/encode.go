package smpp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutlv"
)

// interfaceVersion is SMPP 3.4 (§5.2.4).
const interfaceVersion = 0x34

// AppendHeader appends a PDU without a body: enquire_link, unbind, their
// responses, generic_nack, responses that refuse.
func AppendHeader(dst []byte, id CommandID, status Status, seq uint32) []byte {
	dst = binary.BigEndian.AppendUint32(dst, HeaderLen)
	dst = binary.BigEndian.AppendUint32(dst, uint32(id))
	dst = binary.BigEndian.AppendUint32(dst, uint32(status))
	return binary.BigEndian.AppendUint32(dst, seq)
}

// AppendResp appends a submit_sm_resp, deliver_sm_resp or data_sm_resp. A
// submit_sm_resp that refuses has no body (§4.4.2).
func AppendResp(dst []byte, id CommandID, status Status, seq uint32, messageID string) ([]byte, error) {
	if id == CmdSubmitSMResp && status != StatusROK {
		return AppendHeader(dst, id, status, seq), nil
	}
	if messageID == "" { // deliver_sm_resp's always is; by hand, as it is written most often
		start := len(dst)
		dst = append(AppendHeader(dst, id, status, seq), 0)
		binary.BigEndian.PutUint32(dst[start:], HeaderLen+1)
		return dst, nil
	}
	e := newEncoder(dst, id, status, seq)
	e.str(pdufield.MessageID, messageID)
	return e.done()
}

// AppendBind appends a bind; InterfaceVersion 0 is written as 3.4.
func AppendBind(dst []byte, seq uint32, b *Bind) ([]byte, error) {
	version := b.InterfaceVersion
	if version == 0 {
		version = interfaceVersion
	}
	e := newEncoder(dst, b.ID, StatusROK, seq)
	e.str(pdufield.SystemID, b.SystemID)
	e.str(pdufield.Password, b.Password)
	e.str(pdufield.SystemType, b.SystemType)
	e.octet(version)
	e.octet(b.AddrTON)
	e.octet(b.AddrNPI)
	e.str(pdufield.AddressRange, b.AddressRange)
	return e.done()
}

// AppendBindResp appends a bind's response (id is the response's); one that
// refuses has no body (§4.1.2). An accepted one tells that we speak 3.4.
func AppendBindResp(dst []byte, id CommandID, status Status, seq uint32, systemID string) ([]byte, error) {
	if status != StatusROK {
		return AppendHeader(dst, id, status, seq), nil
	}
	e := newEncoder(dst, id, status, seq)
	e.str(pdufield.SystemID, systemID)
	e.tlvs(TLVs{{TagSCInterfaceVersion, []byte{interfaceVersion}}})
	return e.done()
}

// AppendMessage appends a submit_sm, deliver_sm or data_sm. The sizes are
// checked: what does not fit is an error and nothing is appended.
func AppendMessage(dst []byte, id CommandID, seq uint32, m *Message) ([]byte, error) {
	e := newEncoder(dst, id, StatusROK, seq)
	e.str(pdufield.ServiceType, m.ServiceType)
	e.octet(m.Source.TON)
	e.octet(m.Source.NPI)
	e.str(pdufield.SourceAddr, m.Source.Addr)
	e.octet(m.Destination.TON)
	e.octet(m.Destination.NPI)
	e.str(pdufield.DestinationAddr, m.Destination.Addr)
	e.octet(m.ESMClass)
	if id == CmdDataSM {
		e.octet(m.RegisteredDelivery)
		e.octet(m.DataCoding)
		if len(m.ShortMessage) > 0 {
			e.fail(pdufield.ShortMessage, StatusRINVMSGLEN, "data_sm has none: use message_payload")
		}
	} else {
		e.octet(m.ProtocolID)
		e.octet(m.PriorityFlag)
		e.str(pdufield.ScheduleDeliveryTime, m.ScheduleDeliveryTime)
		e.str(pdufield.ValidityPeriod, m.ValidityPeriod)
		e.octet(m.RegisteredDelivery)
		e.octet(m.ReplaceIfPresent)
		e.octet(m.DataCoding)
		e.octet(m.SMDefaultMsgID)
		e.shortMessage(m.ShortMessage)
	}
	e.tlvs(m.TLVs)
	return e.done()
}

// encoder appends one PDU with the codec's fields, one by one in the order of
// the specification. The codec's own PDUs are not used: they check no size,
// write optional parameters in random order, and claim lengths that they do not write.
//
// The fields are values of the codec's concrete types, so that nothing is
// allocated for each: pdufield.New gives every octet three allocations.
type encoder struct {
	buf   *bytes.Buffer
	start int
	id    CommandID
	err   error
}

func newEncoder(dst []byte, id CommandID, status Status, seq uint32) encoder {
	return encoder{buf: bytes.NewBuffer(AppendHeader(dst, id, status, seq)), start: len(dst), id: id}
}

func (e *encoder) fail(name pdufield.Name, status Status, what string) {
	if e.err == nil {
		e.err = &PDUError{ID: e.id, Status: status, Field: string(name), What: what}
	}
}

func (e *encoder) str(name pdufield.Name, value string) {
	m := maximumOf(e.id, name)
	switch {
	case len(value)+1 > m.octets:
		e.fail(name, m.status, fmt.Sprintf("%d octets; at most %d fit", len(value), m.octets-1))
	case strings.IndexByte(value, 0) >= 0: // would shift all fields behind it
		e.fail(name, m.status, "holds a NUL")
	case e.err == nil:
		field := pdufield.Variable{Data: append(append(e.buf.AvailableBuffer(), value...), 0)}
		e.err = field.SerializeTo(e.buf)
	}
}

func (e *encoder) octet(value byte) {
	if e.err == nil {
		field := pdufield.Fixed{Data: value}
		e.err = field.SerializeTo(e.buf)
	}
}

func (e *encoder) shortMessage(text []byte) {
	if len(text) > MaxShortMessage {
		e.fail(pdufield.ShortMessage, StatusRINVMSGLEN, fmt.Sprintf("%d octets; at most %d fit", len(text), MaxShortMessage))
		return
	}
	e.octet(byte(len(text)))
	if e.err == nil {
		field := pdufield.SM{Data: text}
		e.err = field.SerializeTo(e.buf)
	}
}

func (e *encoder) tlvs(ts TLVs) {
	for _, t := range ts {
		if len(t.Value) > 0xFFFF {
			e.fail(pdufield.Name(tagName(t.Tag)), StatusRINVPARLEN, "longer than 65,535 octets")
		}
		if e.err == nil {
			field := pdutlv.Field{Tag: pdutlv.Tag(t.Tag), Data: t.Value}
			e.err = field.SerializeTo(e.buf)
		}
	}
}

// done sets command_length to what was written.
func (e *encoder) done() ([]byte, error) {
	b := e.buf.Bytes()
	if e.err != nil {
		return b[:e.start:e.start], e.err
	}
	binary.BigEndian.PutUint32(b[e.start:], uint32(len(b)-e.start))
	return b, nil
}
