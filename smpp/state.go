package smpp

import "fmt"

// State is where a session stands (SMPP 3.4 §2.2); bound is three states there.
type State int32

// The states of a session, in the order in which it goes through them.
const (
	StateOpen      State = iota // connected; the bind is not answered yet
	StateBoundTX                // bound as a transmitter
	StateBoundRX                // bound as a receiver
	StateBoundTRX               // bound as a transceiver
	StateUnbinding              // an unbind is under way, ours or theirs
	StateClosed                 // the connection is closed
)

var stateNames = [...]string{"open", "bound_tx", "bound_rx", "bound_trx", "unbinding", "closed"}

// String names the state.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("State(%d)", int32(s))
	}
	return stateNames[s]
}

// Bound tells whether the session is bound in any way.
func (s State) Bound() bool { return s >= StateBoundTX && s <= StateBoundTRX }

// Transmits tells whether submit_sm may be sent.
func (s State) Transmits() bool { return s == StateBoundTX || s == StateBoundTRX }

// Receives tells whether deliver_sm may come.
func (s State) Receives() bool { return s == StateBoundRX || s == StateBoundTRX }

// side says who issues a PDU.
type side uint8

const (
	esme side = 1 << iota
	smsc
)

// rule is one row of SMPP 3.4, table 2-1: in which state who issues the PDU.
type rule struct {
	id     CommandID
	states []State
	by     side
}

var (
	inOpen  = []State{StateOpen}
	inTX    = []State{StateBoundTX, StateBoundTRX}
	inRX    = []State{StateBoundRX, StateBoundTRX}
	inBound = []State{StateBoundTX, StateBoundRX, StateBoundTRX}
)

// table21 is SMPP 3.4 §2.3, "PDU matrix", row by row.
var table21 = []rule{
	{CmdBindTransmitter, inOpen, esme},
	{CmdBindTransmitterResp, inOpen, smsc},
	{CmdBindReceiver, inOpen, esme},
	{CmdBindReceiverResp, inOpen, smsc},
	{CmdBindTransceiver, inOpen, esme},
	{CmdBindTransceiverResp, inOpen, smsc},
	{CmdOutbind, inOpen, smsc},
	{CmdUnbind, inBound, esme | smsc},
	{CmdUnbindResp, inBound, esme | smsc},
	{CmdSubmitSM, inTX, esme},
	{CmdSubmitSMResp, inTX, smsc},
	{CmdSubmitMulti, inTX, esme},
	{CmdSubmitMultiResp, inTX, smsc},
	{CmdDataSM, inBound, esme | smsc},
	{CmdDataSMResp, inBound, esme | smsc},
	{CmdDeliverSM, inRX, smsc},
	{CmdDeliverSMResp, inRX, esme},
	{CmdQuerySM, inTX, esme},
	{CmdQuerySMResp, inTX, smsc},
	{CmdCancelSM, inTX, esme},
	{CmdCancelSMResp, inTX, smsc},
	{CmdReplaceSM, []State{StateBoundTX}, esme},
	{CmdReplaceSMResp, []State{StateBoundTX}, smsc},
	{CmdEnquireLink, inBound, esme | smsc},
	{CmdEnquireLinkResp, inBound, esme | smsc},
	{CmdAlertNotification, inRX, smsc},
	{CmdGenericNack, inBound, esme | smsc},
}

type pduIn struct {
	id    CommandID
	state State
}

// fromSMSC is table21 turned for looking up what an SMSC may send us.
var fromSMSC = func() map[pduIn]bool {
	legal := make(map[pduIn]bool)
	for _, r := range table21 {
		for _, s := range r.states {
			if r.by&smsc != 0 {
				legal[pduIn{r.id, s}] = true
			}
		}
	}
	return legal
}()

// legalFromSMSC tells whether an SMSC may send the PDU in this state. Table 2-1 is
// silent on the time between unbind and its response, which both sides may cross.
func legalFromSMSC(id CommandID, s State) bool { return fromSMSC[pduIn{id, s}] }
