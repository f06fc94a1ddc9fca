package smpp

import "fmt"

// Status is a command_status (SMPP 3.4 §5.1.3).
type Status uint32

// The statuses of SMPP 3.4, table 5-2, without their prefix ESME_.
const (
	StatusROK              Status = 0x00
	StatusRINVMSGLEN       Status = 0x01
	StatusRINVCMDLEN       Status = 0x02
	StatusRINVCMDID        Status = 0x03
	StatusRINVBNDSTS       Status = 0x04
	StatusRALYBND          Status = 0x05
	StatusRINVPRTFLG       Status = 0x06
	StatusRINVREGDLVFLG    Status = 0x07
	StatusRSYSERR          Status = 0x08
	StatusRINVSRCADR       Status = 0x0A
	StatusRINVDSTADR       Status = 0x0B
	StatusRINVMSGID        Status = 0x0C
	StatusRBINDFAIL        Status = 0x0D
	StatusRINVPASWD        Status = 0x0E
	StatusRINVSYSID        Status = 0x0F
	StatusRCANCELFAIL      Status = 0x11
	StatusRREPLACEFAIL     Status = 0x13
	StatusRMSGQFUL         Status = 0x14
	StatusRINVSERTYP       Status = 0x15
	StatusRINVNUMDESTS     Status = 0x33
	StatusRINVDLNAME       Status = 0x34
	StatusRINVDESTFLAG     Status = 0x40
	StatusRINVSUBREP       Status = 0x42
	StatusRINVESMCLASS     Status = 0x43
	StatusRCNTSUBDL        Status = 0x44
	StatusRSUBMITFAIL      Status = 0x45
	StatusRINVSRCTON       Status = 0x48
	StatusRINVSRCNPI       Status = 0x49
	StatusRINVDSTTON       Status = 0x50
	StatusRINVDSTNPI       Status = 0x51
	StatusRINVSYSTYP       Status = 0x53
	StatusRINVREPFLAG      Status = 0x54
	StatusRINVNUMMSGS      Status = 0x55
	StatusRTHROTTLED       Status = 0x58
	StatusRINVSCHED        Status = 0x61
	StatusRINVEXPIRY       Status = 0x62
	StatusRINVDFTMSGID     Status = 0x63
	StatusRXTAPPN          Status = 0x64 // ESME_RX_T_APPN: cannot be kept now, send it again
	StatusRXPAPPN          Status = 0x65 // ESME_RX_P_APPN: loses the message; never answered by us
	StatusRXRAPPN          Status = 0x66 // ESME_RX_R_APPN
	StatusRQUERYFAIL       Status = 0x67
	StatusRINVOPTPARSTREAM Status = 0xC0
	StatusROPTPARNOTALLWD  Status = 0xC1
	StatusRINVPARLEN       Status = 0xC2
	StatusRMISSINGOPTPARAM Status = 0xC3
	StatusRINVOPTPARAMVAL  Status = 0xC4
	StatusRDELIVERYFAILURE Status = 0xFE
	StatusRUNKNOWNERR      Status = 0xFF
)

// Class says what a status of a submit_sm_resp asks of the sender.
type Class int

// The classes of statuses.
const (
	ClassOK        Class = iota // accepted
	ClassThrottled              // slower, then again
	ClassTemporary              // again later
	ClassFewTries               // again a few times, then a person must look at it
	ClassPermanent              // never again: undeliverable
	ClassSettings               // our settings are wrong: many in a row stop the link's sending; no SMS is to blame
	ClassRebind                 // the link is out of step: bind anew, then again
)

var classNames = [...]string{"ok", "throttled", "temporary", "few_tries", "permanent", "settings", "rebind"}

// String names the class, as it stands in metrics and logs.
func (c Class) String() string {
	if c < 0 || int(c) >= len(classNames) {
		return fmt.Sprintf("Class(%d)", int(c))
	}
	return classNames[c]
}

type statusInfo struct {
	name   string
	class  Class
	advice string
}

// String is the specification's name, or for a vendor's code the number: "0x00000412".
func (s Status) String() string {
	if info, ok := statuses[s]; ok {
		return info.name
	}
	return fmt.Sprintf("0x%08X", uint32(s))
}

// Advice says in plain words what the status means and, where something can be done, what.
func (s Status) Advice() string {
	if info, ok := statuses[s]; ok {
		return info.advice
	}
	if s >= 0x400 && s <= 0x4FF {
		return "an error of the operator's own: ask what this code means"
	}
	return "a code that SMPP 3.4 does not define: ask the operator"
}

// Class is what the status of a submit_sm_resp asks for; unknown ones get a few tries.
func (s Status) Class() Class {
	if info, ok := statuses[s]; ok {
		return info.class
	}
	return ClassFewTries
}

var statuses = map[Status]statusInfo{
	StatusROK:              {"ESME_ROK", ClassOK, "accepted"},
	StatusRINVMSGLEN:       {"ESME_RINVMSGLEN", ClassPermanent, "the message is too long or its length is false"},
	StatusRINVCMDLEN:       {"ESME_RINVCMDLEN", ClassRebind, "the operator could not read our PDU: a fault in this software, report it"},
	StatusRINVCMDID:        {"ESME_RINVCMDID", ClassRebind, "the operator does not know this command; refused as a bind, set bind: pair"},
	StatusRINVBNDSTS:       {"ESME_RINVBNDSTS", ClassRebind, "the operator no longer takes us for bound"},
	StatusRALYBND:          {"ESME_RALYBND", ClassRebind, "the operator still holds an earlier bind, or allows no more of them: wait, or ask for the limit"},
	StatusRINVPRTFLG:       {"ESME_RINVPRTFLG", ClassSettings, "the operator refuses the priority"},
	StatusRINVREGDLVFLG:    {"ESME_RINVREGDLVFLG", ClassSettings, "the operator refuses to send receipts: set receipts: false, or ask for them"},
	StatusRSYSERR:          {"ESME_RSYSERR", ClassTemporary, "the operator has an error of its own"},
	StatusRINVSRCADR:       {"ESME_RINVSRCADR", ClassSettings, "the operator refuses our short code as the sender: compare source with the contract"},
	StatusRINVDSTADR:       {"ESME_RINVDSTADR", ClassPermanent, "the operator refuses the recipient's number"},
	StatusRINVMSGID:        {"ESME_RINVMSGID", ClassFewTries, "the operator does not know the message id"},
	StatusRBINDFAIL:        {"ESME_RBINDFAIL", ClassSettings, "the operator refuses the bind without saying why: ask about our IP address, the bind type, system_type and the limit of binds"},
	StatusRINVPASWD:        {"ESME_RINVPASWD", ClassSettings, "the operator refuses the password"},
	StatusRINVSYSID:        {"ESME_RINVSYSID", ClassSettings, "the operator does not know the system_id"},
	StatusRCANCELFAIL:      {"ESME_RCANCELFAIL", ClassFewTries, "the message could not be cancelled"},
	StatusRREPLACEFAIL:     {"ESME_RREPLACEFAIL", ClassFewTries, "the message could not be replaced"},
	StatusRMSGQFUL:         {"ESME_RMSGQFUL", ClassThrottled, "the operator's queue for us is full"},
	StatusRINVSERTYP:       {"ESME_RINVSERTYP", ClassSettings, "the operator refuses the service_type"},
	StatusRINVNUMDESTS:     {"ESME_RINVNUMDESTS", ClassFewTries, "wrong number of destinations"},
	StatusRINVDLNAME:       {"ESME_RINVDLNAME", ClassFewTries, "the distribution list is not known"},
	StatusRINVDESTFLAG:     {"ESME_RINVDESTFLAG", ClassFewTries, "wrong destination flag"},
	StatusRINVSUBREP:       {"ESME_RINVSUBREP", ClassFewTries, "the operator refuses submit with replace"},
	StatusRINVESMCLASS:     {"ESME_RINVESMCLASS", ClassSettings, "the operator refuses the esm_class: it may not take concatenated SMS"},
	StatusRCNTSUBDL:        {"ESME_RCNTSUBDL", ClassFewTries, "cannot submit to the distribution list"},
	StatusRSUBMITFAIL:      {"ESME_RSUBMITFAIL", ClassFewTries, "the operator could not take the message and does not say why"},
	StatusRINVSRCTON:       {"ESME_RINVSRCTON", ClassSettings, "the operator refuses source.ton"},
	StatusRINVSRCNPI:       {"ESME_RINVSRCNPI", ClassSettings, "the operator refuses source.npi"},
	StatusRINVDSTTON:       {"ESME_RINVDSTTON", ClassPermanent, "the operator refuses destination.ton"},
	StatusRINVDSTNPI:       {"ESME_RINVDSTNPI", ClassPermanent, "the operator refuses destination.npi"},
	StatusRINVSYSTYP:       {"ESME_RINVSYSTYP", ClassSettings, "the operator refuses the system_type"},
	StatusRINVREPFLAG:      {"ESME_RINVREPFLAG", ClassSettings, "the operator refuses replace_if_present"},
	StatusRINVNUMMSGS:      {"ESME_RINVNUMMSGS", ClassFewTries, "wrong number of messages"},
	StatusRTHROTTLED:       {"ESME_RTHROTTLED", ClassThrottled, "we send faster than the operator allows: set rate"},
	StatusRINVSCHED:        {"ESME_RINVSCHED", ClassPermanent, "the operator refuses the delivery time"},
	StatusRINVEXPIRY:       {"ESME_RINVEXPIRY", ClassPermanent, "the operator refuses the validity period"},
	StatusRINVDFTMSGID:     {"ESME_RINVDFTMSGID", ClassPermanent, "the operator does not know the predefined message"},
	StatusRXTAPPN:          {"ESME_RX_T_APPN", ClassTemporary, "cannot be taken now"},
	StatusRXPAPPN:          {"ESME_RX_P_APPN", ClassPermanent, "refused for good by the receiver"},
	StatusRXRAPPN:          {"ESME_RX_R_APPN", ClassPermanent, "rejected by the receiver"},
	StatusRQUERYFAIL:       {"ESME_RQUERYFAIL", ClassFewTries, "the query failed"},
	StatusRINVOPTPARSTREAM: {"ESME_RINVOPTPARSTREAM", ClassPermanent, "the optional parameters cannot be read"},
	StatusROPTPARNOTALLWD:  {"ESME_ROPTPARNOTALLWD", ClassSettings, "the operator refuses an optional parameter"},
	StatusRINVPARLEN:       {"ESME_RINVPARLEN", ClassPermanent, "an optional parameter has a false length"},
	StatusRMISSINGOPTPARAM: {"ESME_RMISSINGOPTPARAM", ClassPermanent, "the operator misses an optional parameter"},
	StatusRINVOPTPARAMVAL:  {"ESME_RINVOPTPARAMVAL", ClassPermanent, "the operator refuses the value of an optional parameter"},
	StatusRDELIVERYFAILURE: {"ESME_RDELIVERYFAILURE", ClassFewTries, "the delivery failed"},
	StatusRUNKNOWNERR:      {"ESME_RUNKNOWNERR", ClassFewTries, "the operator has an error that it cannot name"},
}
