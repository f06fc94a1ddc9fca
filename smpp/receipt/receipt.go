package receipt

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"aduan/smpp"
	"aduan/smpp/segment"
)

// What we keep of strings that a peer wrote, in octets.
const (
	maxID  = 64 // SMPP 3.4 §5.2.23, without its NUL
	maxErr = 32
)

// Receipt is what an SMSC says became of an SMS.
type Receipt struct {
	MessageID    string // of the TLV, else of the text; empty where neither tells
	TextID       string // of the text, where it differs: some write one hexadecimal, the other decimal
	State        State
	Err          string    // the network's reason, as told; empty where none
	Done         time.Time // zero where unread; an SMSC does not tell its zone: read as UTC unless it does
	Intermediate bool      // esm_class says that another will follow
}

// Parse reads a receipt. false: it is none, but a message. A receipt is
// recognised by esm_class or, where that says nothing, by carrying both
// receipted_message_id and message_state; by its text never. What cannot be read
// in a receipt is left empty: it is a receipt all the same.
func Parse(m *smpp.Message) (Receipt, bool) {
	var r Receipt
	idTLV, hasID := m.TLVs.Get(smpp.TagReceiptedMessageID)
	stateTLV, hasState := m.TLVs.Get(smpp.TagMessageState)
	switch m.ESMClass & smpp.ESMTypeMask {
	case smpp.ESMReceipt:
	case smpp.ESMIntermediate:
		r.Intermediate = true
	case 0:
		if !hasID || !hasState {
			return Receipt{}, false
		}
	default:
		return Receipt{}, false
	}
	fields := parseText(text(m))
	r.MessageID = clip(fields[keyID], maxID)
	if hasID {
		if id := clip(cString(idTLV), maxID); id != "" {
			if r.MessageID != id {
				r.TextID = r.MessageID
			}
			r.MessageID = id
		}
	}
	r.State, _ = fromWord(fields[keyStat])
	if hasState && len(stateTLV) >= 1 {
		if s, ok := fromOctet(stateTLV[len(stateTLV)-1]); ok {
			r.State = s
		}
	}
	r.Err = clip(fields[keyErr], maxErr)
	if code, ok := m.TLVs.Get(smpp.TagNetworkErrorCode); ok && len(code) == 3 && strings.Trim(r.Err, "0") == "" {
		r.Err = strconv.Itoa(int(code[1])<<8 | int(code[2]))
	}
	r.Done = parseDate(fields[keyDone])
	return r, true
}

// text is the receipt's words, upper and lower case as they came.
func text(m *smpp.Message) string {
	_, b := m.Content()
	if m.DataCoding == segment.DataCodingUCS2 && len(b)%2 == 0 {
		s, _ := segment.DecodeText(m.DataCoding, segment.AlphabetGSM7, b)
		return s
	}
	return string(bytes.Trim(b, "\x00"))
}

func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return strings.TrimSpace(string(b))
}

// clip bounds a foreign string and keeps it printable.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7F || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
