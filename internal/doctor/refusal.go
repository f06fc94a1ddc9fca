package doctor

import (
	"fmt"
	"maps"
	"slices"

	"aduan/smpp"
)

// advice is what a refusal means, what to do about it, and what to ask the operator.
type advice struct{ do, ask string }

// bindAdvice is for each status with which operators refuse a bind.
var bindAdvice = map[smpp.Status]advice{
	smpp.StatusRINVPASWD: {
		"compare the password octet by octet with what the operator gave; some SMSCs read only its first 8 octets. Do not try often: operators lock accounts",
		"is the account locked; which password is set for this system_id, test or live?",
	},
	smpp.StatusRINVSYSID: {
		"compare system_id, also capitals: test and live have different ones",
		"which system_id is ours on this host and port, and is it active?",
	},
	smpp.StatusRALYBND: {
		"wait until the operator has noticed that an earlier session is dead (usually minutes); lower sessions to what is allowed; with several daemons set exclusive: true",
		"how many binds may we hold at once, of which kind, and is an old session of ours still open?",
	},
	smpp.StatusRBINDFAIL: {
		"compare bind (transceiver or pair), system_type and sessions with the contract",
		"which of our addresses may bind, as what (transceiver, transmitter, receiver), with which system_type, and how often at once?",
	},
	smpp.StatusRINVSYSTYP: {
		"set system_type to what the operator gave; often it is empty, sometimes SMPP or the account's name",
		"which system_type does our account need?",
	},
	smpp.StatusRINVCMDID: {
		"set bind: pair, which binds a transmitter and a receiver",
		"do you take bind_transceiver, or only transmitter and receiver?",
	},
	smpp.StatusRINVBNDSTS: {
		"set bind: pair if it is transceiver, and the other way round",
		"which kinds of bind does our account allow?",
	},
	smpp.StatusRSYSERR: {
		"try again in some minutes",
		"is the SMSC, or its database of accounts, out of order?",
	},
	smpp.StatusRTHROTTLED: {
		"wait; raise reconnect.min, for we bind too often",
		"how many binds a minute do you allow?",
	},
	smpp.StatusRMSGQFUL: {
		"wait, then try again",
		"why is the queue for our account full?",
	},
	smpp.StatusRINVCMDLEN: {
		"shorten system_id (15), password (8 by the specification) and system_type (12) to what the operator gave",
		"how long may the fields of a bind be, and which version of SMPP do you speak?",
	},
	smpp.StatusRXTAPPN:     {"try again in some minutes", "why does the SMSC refuse binds for the moment?"},
	smpp.StatusRUNKNOWNERR: {"try again in some minutes", "what does ESME_RUNKNOWNERR mean as an answer to our bind?"},
}

// Refusal is an answer with which operators refuse a bind.
type Refusal struct {
	Status         smpp.Status
	Means, Do, Ask string
}

// Refusals are the refusals of a bind that are explained, by their number.
func Refusals() []Refusal {
	var all []Refusal
	for _, status := range slices.Sorted(maps.Keys(bindAdvice)) {
		a := bindAdvice[status]
		all = append(all, Refusal{Status: status, Means: status.Advice(), Do: a.do, Ask: a.ask})
	}
	return all
}

// refusedBind is the step of a bind that was refused.
func refusedBind(name string, status smpp.Status) Step {
	s := Step{Name: name, Detail: fmt.Sprintf("refused: %s: %s", status, status.Advice())}
	a, ok := bindAdvice[status]
	if !ok {
		a = advice{
			"ask; then compare system_id, password, system_type, bind and address with the answer",
			fmt.Sprintf("what does %s (0x%08X) mean as an answer to our bind?", status, uint32(status)),
		}
	}
	s.Do, s.Ask = a.do, a.ask
	return s
}

// askTLS goes with a handshake that failed, and with a client certificate that is refused after it.
const askTLS = "which TLS versions, name and authority does this port have, and which client certificate do you want?"

// What stands in the way where there is no answer to a bind at all.
var (
	silentBind = advice{
		"compare address and port; where the port is TLS's, set tls.enabled: true",
		"do you see our bind, from which address; is the port for SMPP in plain or in TLS; is our address on your list?",
	}
	closedBind = advice{
		"compare address, port and tls; many SMSCs close at once when the address is not on their list",
		"which of our addresses may connect, and does the port want TLS?",
	}
)

// refusedSubmit is the step of a submit_sm that was refused.
func refusedSubmit(status smpp.Status) Step {
	s := Step{Name: "submit_sm", Detail: fmt.Sprintf("refused: %s: %s", status, status.Advice())}
	switch status.Class() {
	case smpp.ClassThrottled:
		s.Do, s.Ask = "set rate to what the operator allows", "how many messages a second may we send, and how many at once (window)?"
	case smpp.ClassSettings:
		s.Do = "compare source, destination, service_type and receipts with the contract"
		s.Ask = fmt.Sprintf("why is our submit_sm answered %s; which sender (TON, NPI, address) and which service_type may we use?", status)
	case smpp.ClassPermanent:
		s.Do = "try another number: this one, or how it is written (destination.ton, npi), is refused"
		s.Ask = fmt.Sprintf("why is our submit_sm answered %s; how are destination addresses to be written?", status)
	case smpp.ClassTemporary, smpp.ClassFewTries, smpp.ClassRebind, smpp.ClassOK:
		s.Do, s.Ask = "try again in some minutes", fmt.Sprintf("what does %s (0x%08X) mean as an answer to our submit_sm?", status, uint32(status))
	}
	return s
}
