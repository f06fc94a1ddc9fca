package smpp

import (
	"errors"

	"go.uber.org/zap"
)

var errGate = errors.New("sending is shut off")

// sendBind asks to be bound; the only request of ours in StateOpen.
func (s *Session) sendBind() {
	r := &request{id: s.bindAs, seq: s.out.next(), written: s.now}
	var err error
	s.wbuf, err = AppendBind(s.wbuf, r.seq, &Bind{
		ID: s.bindAs, SystemID: s.o.SystemID, Password: s.o.Password, SystemType: s.o.SystemType,
		AddressRange: s.o.AddressRange,
	})
	if err != nil { // NewLink has tried it
		s.end = err
		return
	}
	s.pos++
	r.pos = s.pos
	s.out.add(r)
	s.counted(directionOut, s.bindAs, StatusROK)
}

// bindAnswered is where the session becomes bound, or ends with the reason.
func (s *Session) bindAnswered(h Header, frame []byte) {
	s.o.Metrics.bound(s.o.Name, h.Status)
	if h.Status != StatusROK {
		s.end = &BindError{Link: s.o.Name, Status: h.Status}
		return
	}
	switch s.bindAs {
	case CmdBindTransmitter:
		s.setState(StateBoundTX)
	case CmdBindReceiver:
		s.setState(StateBoundRX)
	default:
		s.setState(StateBoundTRX)
	}
	// What the body says is only of interest to people; many leave it out.
	name, version := "", byte(0)
	if resp, err := DecodeBindResp(frame); resp != nil && err == nil {
		name = resp.SystemID
		version, _ = resp.TLVs.Uint8(TagSCInterfaceVersion)
	}
	s.log.Info("bound", zap.Stringer("as", s.bindAs), zap.String("smsc", name), zap.Uint8("interface_version", version))
	s.onBound()
}
