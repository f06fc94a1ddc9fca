package smpp

import (
	"bytes"

	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
)

// The mandatory fields of each body, in the order of SMPP 3.4 §4. The lists are
// ours because the codec's own deliver_sm takes the UDH apart and breaks on those
// that real phones send; here it stays in short_message.
//
// A list is cut into runs of at most eight: the codec decodes each into a map, and
// a Go map of eight is one allocation, where one of eighteen grows twice.
var (
	bindFields = []pdufield.List{{
		pdufield.SystemID, pdufield.Password, pdufield.SystemType, pdufield.InterfaceVersion,
		pdufield.AddrTON, pdufield.AddrNPI, pdufield.AddressRange,
	}}
	bindRespFields = []pdufield.List{{pdufield.SystemID}}
	messageFields  = []pdufield.List{ // submit_sm and deliver_sm
		{
			pdufield.ServiceType, pdufield.SourceAddrTON, pdufield.SourceAddrNPI, pdufield.SourceAddr,
			pdufield.DestAddrTON, pdufield.DestAddrNPI, pdufield.DestinationAddr,
		},
		{
			pdufield.ESMClass, pdufield.ProtocolID, pdufield.PriorityFlag,
			pdufield.ScheduleDeliveryTime, pdufield.ValidityPeriod,
			pdufield.RegisteredDelivery, pdufield.ReplaceIfPresentFlag,
		},
		// sm_length must stand in one run with short_message: it says how long that is.
		{pdufield.DataCoding, pdufield.SMDefaultMsgID, pdufield.SMLength, pdufield.ShortMessage},
	}
	dataFields = []pdufield.List{
		{
			pdufield.ServiceType, pdufield.SourceAddrTON, pdufield.SourceAddrNPI, pdufield.SourceAddr,
			pdufield.DestAddrTON, pdufield.DestAddrNPI, pdufield.DestinationAddr,
		},
		{pdufield.ESMClass, pdufield.RegisteredDelivery, pdufield.DataCoding},
	}
	messageIDFields = []pdufield.List{{pdufield.MessageID}}
)

// maxPassword is the longest password with its NUL. SMPP 3.4 §5.2.2 allows 9
// octets, but operators give longer ones, and refuse by a status of their own.
const maxPassword = 65

// maximum is a string's longest form with its NUL, and what is answered when it is longer.
type maximum struct {
	octets int
	status Status
}

// maximumOf is 0 octets for a field that is no string.
func maximumOf(id CommandID, name pdufield.Name) maximum {
	switch name {
	case pdufield.SourceAddr:
		return maximum{addressOctets(id), StatusRINVSRCADR}
	case pdufield.DestinationAddr:
		return maximum{addressOctets(id), StatusRINVDSTADR}
	case pdufield.ServiceType:
		return maximum{6, StatusRINVSERTYP}
	case pdufield.ScheduleDeliveryTime:
		return maximum{17, StatusRINVSCHED}
	case pdufield.ValidityPeriod:
		return maximum{17, StatusRINVEXPIRY}
	case pdufield.MessageID:
		return maximum{65, StatusRINVMSGID}
	case pdufield.SystemID:
		return maximum{16, StatusRINVSYSID}
	case pdufield.Password:
		return maximum{maxPassword, StatusRINVPASWD}
	case pdufield.SystemType:
		return maximum{13, StatusRINVSYSTYP}
	case pdufield.AddressRange:
		return maximum{41, StatusRINVCMDLEN}
	}
	return maximum{}
}

// addressOctets knows that data_sm's addresses may be longer (§4.7.1).
func addressOctets(id CommandID) int {
	if id == CmdDataSM {
		return 65
	}
	return 21
}

// body is a decoded mandatory part, its fields to be taken in the order of the
// list. Taking never panics: decodeBody has seen every field.
type body struct {
	fields [18]pdufield.Body // as many as the longest list
	taken  int
}

func (b *body) take() pdufield.Body {
	b.taken++
	return b.fields[b.taken-1]
}

func (b *body) str() string {
	if v, ok := b.take().(*pdufield.Variable); ok {
		return v.String()
	}
	return ""
}

func (b *body) octet() byte {
	if v, ok := b.take().(*pdufield.Fixed); ok {
		return v.Data
	}
	return 0
}

func (b *body) octets() []byte {
	if v, ok := b.take().(*pdufield.SM); ok && len(v.Data) > 0 {
		return v.Data[:len(v.Data):len(v.Data)]
	}
	return nil
}

func (b *body) address() Address { return Address{b.octet(), b.octet(), b.str()} }

// decodeBody reads the mandatory part and leaves the optional one in rest. The
// values alias the frame.
func decodeBody(frame []byte, id CommandID, runs []pdufield.List) (b body, rest []byte, err error) {
	if len(frame) < HeaderLen {
		return body{}, nil, &PDUError{ID: id, Status: StatusRINVCMDLEN, Field: "header", What: "cut short"}
	}
	buf := bytes.NewBuffer(frame[HeaderLen:])
	n := 0
	for _, list := range runs {
		fields, err := list.Decode(buf)
		if err != nil { // the lists in use know only this error
			return body{}, nil, &PDUError{ID: id, Status: StatusRINVMSGLEN, Field: "sm_length", What: "reaches past the end of the PDU"}
		}
		for _, name := range list {
			b.fields[n] = fields[name]
			n++
		}
	}
	n = 0
	for _, list := range runs {
		for _, name := range list {
			v := b.fields[n]
			n++
			if v == nil { // a short body is no error to the codec
				return body{}, nil, &PDUError{ID: id, Status: StatusRINVCMDLEN, Field: string(name), What: "missing or without its NUL"}
			}
			s, ok := v.(*pdufield.Variable)
			if !ok {
				continue
			}
			if m := maximumOf(id, name); len(s.Data) > m.octets {
				return body{}, nil, &PDUError{ID: id, Status: m.status, Field: string(name), What: "longer than the specification allows"}
			}
		}
	}
	return b, buf.Bytes(), nil
}

// DecodeMessage reads a deliver_sm, submit_sm or data_sm.
//
// Where only the optional parameters are broken, it returns the message with
// those that stood before the fault, and a *PDUError beside it. The octets of the
// message alias the frame.
func DecodeMessage(frame []byte) (*Message, error) {
	id, list := ParseHeader(frame).ID, messageFields
	if id == CmdDataSM {
		list = dataFields
	}
	b, rest, err := decodeBody(frame, id, list)
	if err != nil {
		return nil, err
	}
	m := &Message{}
	m.ServiceType = b.str()
	m.Source = b.address()
	m.Destination = b.address()
	m.ESMClass = b.octet()
	if id != CmdDataSM {
		m.ProtocolID = b.octet()
		m.PriorityFlag = b.octet()
		m.ScheduleDeliveryTime = b.str()
		m.ValidityPeriod = b.str()
	}
	m.RegisteredDelivery = b.octet()
	if id != CmdDataSM {
		m.ReplaceIfPresent = b.octet()
	}
	m.DataCoding = b.octet()
	if id != CmdDataSM {
		m.SMDefaultMsgID = b.octet()
		b.octet() // sm_length
		if m.ShortMessage = b.octets(); len(m.ShortMessage) > MaxShortMessage {
			return nil, &PDUError{ID: id, Status: StatusRINVMSGLEN, Field: "sm_length", What: "more than 254"}
		}
	}
	m.TLVs, err = decodeTLVs(id, rest)
	return m, err
}

// DecodeBind reads a bind_transmitter, bind_receiver or bind_transceiver.
func DecodeBind(frame []byte) (*Bind, error) {
	id := ParseHeader(frame).ID
	b, _, err := decodeBody(frame, id, bindFields)
	if err != nil {
		return nil, err
	}
	return &Bind{
		ID:               id,
		SystemID:         b.str(),
		Password:         b.str(),
		SystemType:       b.str(),
		InterfaceVersion: b.octet(),
		AddrTON:          b.octet(),
		AddrNPI:          b.octet(),
		AddressRange:     b.str(),
	}, nil
}

// DecodeBindResp reads the body of a bind's response; one whose status is not
// ESME_ROK need not have any.
func DecodeBindResp(frame []byte) (*BindResp, error) {
	id := ParseHeader(frame).ID
	b, rest, err := decodeBody(frame, id, bindRespFields)
	if err != nil {
		return nil, err
	}
	tlvs, err := decodeTLVs(id, rest)
	return &BindResp{SystemID: b.str(), TLVs: tlvs}, err
}

// DecodeSubmitResp reads the message_id of a submit_sm_resp or data_sm_resp. With
// another status than ESME_ROK there need not be any.
func DecodeSubmitResp(frame []byte) (messageID string, err error) {
	b, _, err := decodeBody(frame, ParseHeader(frame).ID, messageIDFields)
	if err != nil {
		return "", err
	}
	return b.str(), nil
}
