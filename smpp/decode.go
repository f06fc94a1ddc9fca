package smpp

import (
	"bytes"

	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
)

// The mandatory fields of each body, in the order of SMPP 3.4 §4. The lists are
// ours because the codec's own deliver_sm takes the UDH apart and breaks on those
// that real phones send; here it stays in short_message.
var (
	bindFields = pdufield.List{
		pdufield.SystemID, pdufield.Password, pdufield.SystemType, pdufield.InterfaceVersion,
		pdufield.AddrTON, pdufield.AddrNPI, pdufield.AddressRange,
	}
	bindRespFields = pdufield.List{pdufield.SystemID}
	messageFields  = pdufield.List{ // submit_sm and deliver_sm
		pdufield.ServiceType, pdufield.SourceAddrTON, pdufield.SourceAddrNPI, pdufield.SourceAddr,
		pdufield.DestAddrTON, pdufield.DestAddrNPI, pdufield.DestinationAddr,
		pdufield.ESMClass, pdufield.ProtocolID, pdufield.PriorityFlag,
		pdufield.ScheduleDeliveryTime, pdufield.ValidityPeriod,
		pdufield.RegisteredDelivery, pdufield.ReplaceIfPresentFlag, pdufield.DataCoding, pdufield.SMDefaultMsgID,
		pdufield.SMLength, pdufield.ShortMessage,
	}
	dataFields = pdufield.List{
		pdufield.ServiceType, pdufield.SourceAddrTON, pdufield.SourceAddrNPI, pdufield.SourceAddr,
		pdufield.DestAddrTON, pdufield.DestAddrNPI, pdufield.DestinationAddr,
		pdufield.ESMClass, pdufield.RegisteredDelivery, pdufield.DataCoding,
	}
	messageIDFields = pdufield.List{pdufield.MessageID}
)

// maxPassword is the longest password with its NUL. SMPP 3.4 §5.2.2 allows 9
// octets, but operators give longer ones, and refuse by a status of their own.
const maxPassword = 65

// maximum is a string's longest form with its NUL, and what is answered when it is longer.
type maximum struct {
	octets int
	status Status
}

var maxima = map[pdufield.Name]maximum{
	pdufield.SystemID:             {16, StatusRINVSYSID},
	pdufield.Password:             {maxPassword, StatusRINVPASWD},
	pdufield.SystemType:           {13, StatusRINVSYSTYP},
	pdufield.AddressRange:         {41, StatusRINVCMDLEN},
	pdufield.ServiceType:          {6, StatusRINVSERTYP},
	pdufield.SourceAddr:           {21, StatusRINVSRCADR},
	pdufield.DestinationAddr:      {21, StatusRINVDSTADR},
	pdufield.ScheduleDeliveryTime: {17, StatusRINVSCHED},
	pdufield.ValidityPeriod:       {17, StatusRINVEXPIRY},
	pdufield.MessageID:            {65, StatusRINVMSGID},
}

// maximumOf knows that data_sm's addresses may be longer (§4.7.1).
func maximumOf(id CommandID, name pdufield.Name) maximum {
	m := maxima[name]
	if id == CmdDataSM && (name == pdufield.SourceAddr || name == pdufield.DestinationAddr) {
		m.octets = 65
	}
	return m
}

// body is a decoded mandatory part. Its accessors never panic: decodeBody has
// seen every field of the list.
type body struct{ fields pdufield.Map }

func (b body) str(name pdufield.Name) string {
	if v, ok := b.fields[name].(*pdufield.Variable); ok {
		return v.String()
	}
	return ""
}

func (b body) octet(name pdufield.Name) byte {
	if v, ok := b.fields[name].(*pdufield.Fixed); ok {
		return v.Data
	}
	return 0
}

// decodeBody reads the mandatory part and leaves the optional one in rest. The
// values alias the frame.
func decodeBody(frame []byte, id CommandID, list pdufield.List) (b body, rest []byte, err error) {
	if len(frame) < HeaderLen {
		return body{}, nil, &PDUError{ID: id, Status: StatusRINVCMDLEN, Field: "header", What: "cut short"}
	}
	buf := bytes.NewBuffer(frame[HeaderLen:])
	fields, err := list.Decode(buf)
	if err != nil { // the lists in use know only this error
		return body{}, nil, &PDUError{ID: id, Status: StatusRINVMSGLEN, Field: "sm_length", What: "reaches past the end of the PDU"}
	}
	for _, name := range list { // a short body is no error to the codec: the keys are missing
		if _, ok := fields[name]; !ok {
			return body{}, nil, &PDUError{ID: id, Status: StatusRINVCMDLEN, Field: string(name), What: "missing or without its NUL"}
		}
		if m := maximumOf(id, name); m.octets != 0 && len(fields[name].(*pdufield.Variable).Data) > m.octets {
			return body{}, nil, &PDUError{ID: id, Status: m.status, Field: string(name), What: "longer than the specification allows"}
		}
	}
	return body{fields}, buf.Bytes(), nil
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
	m := &Message{
		ServiceType:        b.str(pdufield.ServiceType),
		Source:             Address{b.octet(pdufield.SourceAddrTON), b.octet(pdufield.SourceAddrNPI), b.str(pdufield.SourceAddr)},
		Destination:        Address{b.octet(pdufield.DestAddrTON), b.octet(pdufield.DestAddrNPI), b.str(pdufield.DestinationAddr)},
		ESMClass:           b.octet(pdufield.ESMClass),
		RegisteredDelivery: b.octet(pdufield.RegisteredDelivery),
		DataCoding:         b.octet(pdufield.DataCoding),
	}
	if id != CmdDataSM {
		m.ProtocolID = b.octet(pdufield.ProtocolID)
		m.PriorityFlag = b.octet(pdufield.PriorityFlag)
		m.ScheduleDeliveryTime = b.str(pdufield.ScheduleDeliveryTime)
		m.ValidityPeriod = b.str(pdufield.ValidityPeriod)
		m.ReplaceIfPresent = b.octet(pdufield.ReplaceIfPresentFlag)
		m.SMDefaultMsgID = b.octet(pdufield.SMDefaultMsgID)
		if sm, ok := b.fields[pdufield.ShortMessage].(*pdufield.SM); ok && len(sm.Data) > 0 {
			m.ShortMessage = sm.Data[:len(sm.Data):len(sm.Data)]
		}
		if len(m.ShortMessage) > MaxShortMessage {
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
		SystemID:         b.str(pdufield.SystemID),
		Password:         b.str(pdufield.Password),
		SystemType:       b.str(pdufield.SystemType),
		InterfaceVersion: b.octet(pdufield.InterfaceVersion),
		AddrTON:          b.octet(pdufield.AddrTON),
		AddrNPI:          b.octet(pdufield.AddrNPI),
		AddressRange:     b.str(pdufield.AddressRange),
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
	return &BindResp{SystemID: b.str(pdufield.SystemID), TLVs: tlvs}, err
}

// DecodeSubmitResp reads the message_id of a submit_sm_resp or data_sm_resp. With
// another status than ESME_ROK there need not be any.
func DecodeSubmitResp(frame []byte) (messageID string, err error) {
	b, _, err := decodeBody(frame, ParseHeader(frame).ID, messageIDFields)
	if err != nil {
		return "", err
	}
	return b.str(pdufield.MessageID), nil
}
