package smpp_test

import (
	"bytes"
	"testing"

	gosmpp "github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutlv"
)

// TestTheCodecIsAsWeKnowIt pins what we build on and what we go around: a newer
// version that differs is to be looked at, not just taken.
func TestTheCodecIsAsWeKnowIt(t *testing.T) {
	list := pdufield.List{pdufield.ServiceType, pdufield.ESMClass, pdufield.SMLength, pdufield.ShortMessage}
	decode := func(hex string) (pdufield.Map, int, error) {
		buf := bytes.NewBuffer(annotated(t, hex))
		m, err := list.Decode(buf)
		return m, buf.Len(), err
	}
	if m, left, err := decode("00 40 02 6869 ff"); err != nil || len(m) != 4 || left != 1 || m[pdufield.ShortMessage].String() != "hi" {
		t.Errorf("a whole body: %v, %d left, %v", m, left, err)
	}
	if m, _, err := decode("00"); err != nil || len(m) != 1 {
		t.Errorf("a short body is no error, its keys are missing: %v, %v", m, err)
	}
	if m, _, err := decode("414243"); err != nil || len(m) != 0 {
		t.Errorf("a string without NUL is no error: %v, %v", m, err)
	}
	if _, _, err := decode("00 00 05 6869"); err == nil {
		t.Error("sm_length past the end was taken")
	}
	if _, err := pdutlv.DecodeTLV(bytes.NewBuffer(annotated(t, "0204 0009 00"))); err == nil {
		t.Error("a TLV past the end was taken")
	}
	buf := bytes.NewBuffer(annotated(t, "0204 0001 07 ffffff"))
	if m, err := pdutlv.DecodeTLV(buf); err != nil || len(m) != 1 || buf.Len() != 3 {
		t.Errorf("stray octets are no error: %v, %d left, %v", m, buf.Len(), err)
	}
	valid := rawPDU(t, "00000005", withUDH+"00 0424 0008 0500030702016869")
	if _, err := gosmpp.Decode(bytes.NewReader(valid)); err == nil {
		t.Error("it now takes a UDH in message_payload: its own deliver_sm may be good enough")
	}
	for _, id := range []string{"00000103", "0000000b", "00000102", "00000008", "00000007"} {
		if _, err := gosmpp.Decode(bytes.NewReader(rawPDU(t, id, ""))); err == nil {
			t.Errorf("command %s is implemented now", id)
		}
	}
	// deliver_sm as it writes it: a stray 00 before the text.
	out := gosmpp.NewDeliverSM()
	_ = out.Fields().Set(pdufield.ShortMessage, "hi")
	var w bytes.Buffer
	if err := out.SerializeTo(&w); err != nil || bytes.HasSuffix(w.Bytes(), []byte("\x02hi")) {
		t.Errorf("deliver_sm is written rightly now: %x, %v", w.Bytes(), err)
	}
}

func rawPDU(t *testing.T, id, body string) []byte {
	b := annotated(t, "00000000"+id+"0000000000000001"+body)
	b[3] = byte(len(b))
	return b
}
