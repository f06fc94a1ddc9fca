package doctor

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"aduan/internal/msisdn"
	"aduan/smpp"
	"aduan/smpp/receipt"
)

// Send is one SMS for a test.
type Send struct {
	To   msisdn.MSISDN
	Text string
	Wait time.Duration // for the receipt; 0: 60 s
}

// send is the steps "submit_sm" and "receipt".
func (x *examiner) send(ctx context.Context, e *esme, tx *conn, l Link) {
	began := x.now()
	enc, err := l.Wire.Split(l.Send.Text, 1)
	if err != nil || len(enc.Parts) != 1 {
		x.fail(began, Invalid, Step{Name: "submit_sm", Detail: "the text does not fit into one SMS"})
		return
	}
	m := &smpp.Message{
		ServiceType: l.ServiceType, Source: l.Source, DataCoding: enc.DataCoding, ShortMessage: enc.Parts[0].Payload(),
		Destination: smpp.Address{TON: l.Destination.TON, NPI: l.Destination.NPI, Addr: l.Send.To.Digits()}, RegisteredDelivery: 1,
	}
	h, frame, err := e.request(ctx, tx, func(seq uint32) ([]byte, error) { return smpp.AppendMessage(nil, smpp.CmdSubmitSM, seq, m) })
	switch {
	case errors.Is(err, errSilent):
		x.fail(began, Unreachable, Step{Name: "submit_sm", Detail: fmt.Sprintf("no answer within %s; the SMS may come all the same", l.Timeout), Do: "raise response_timeout if the operator is slow", Ask: "after how long does the SMSC answer a submit_sm?"})
		return
	case err != nil:
		x.fail(began, Unreachable, Step{Name: "submit_sm", Detail: "no answer: " + err.Error(), Ask: "why was the connection closed at our submit_sm?"})
		return
	case h.Status != smpp.StatusROK:
		x.fail(began, Unreachable, refusedSubmit(h.Status))
		return
	}
	x.learn("answer time of submit_sm", x.since(began))
	id, _ := smpp.DecodeSubmitResp(frame)
	if id == "" {
		x.step(began, Step{Name: "submit_sm", Result: Warning, Detail: "accepted for " + l.Send.To.String() + ", without a message id: no receipt can be matched", Ask: "why has our submit_sm_resp no message_id?"})
		return
	}
	x.step(began, Step{Name: "submit_sm", Result: OK, Detail: fmt.Sprintf("accepted for %s, message id %s", l.Send.To, id)})
	x.receipt(ctx, e, id, l)
}

// receipt waits for the SMS's receipts until one is final.
func (x *examiner) receipt(ctx context.Context, e *esme, id string, l Link) {
	began := x.now()
	wait := l.Send.Wait
	if wait <= 0 {
		wait = time.Minute
	}
	var last *arrived
	var others []string // ids of receipts that are not of our SMS: the daemon's, unless the ids differ
	ours := func() (final bool) {
		for _, r := range e.receipts {
			if notation(id, r.receipt) == "" {
				e.put++
				others = append(others, r.receipt.MessageID)
				_ = e.answer(r.c, r.h, smpp.StatusRXTAPPN)
				continue
			}
			_ = e.answer(r.c, r.h, smpp.StatusROK)
			last = &r
			final = final || r.receipt.State.Final() && !r.receipt.Intermediate
		}
		e.receipts = nil
		return final
	}
	var err error
	if !ours() { // one may have come before the answer
		err = e.await(ctx, wait, func(inbound) bool { return false }, ours)
	}
	if last != nil {
		x.learnReceipt(id, *last)
	}
	switch {
	case err != nil && last == nil:
		s := Step{Name: "receipt", Result: Warning, Detail: fmt.Sprintf("none came within %s (%v)", wait, err), Do: "is the telephone switched on? Wait longer with --wait", Ask: "do you send receipts to our binds when registered_delivery is 1?"}
		if len(others) > 0 {
			s.Detail += fmt.Sprintf("; %d with other ids came, the first with %s", len(others), others[0])
			s.Ask = fmt.Sprintf("our submit_sm_resp said %s: with which id does the receipt come?", id)
		}
		x.step(began, s)
	case err != nil:
		x.step(began, Step{Name: "receipt", Result: Warning, Detail: fmt.Sprintf("%s, and no final one within %s", last.receipt.State, wait), Do: "is the telephone switched on? Wait longer with --wait"})
	case last.receipt.State == receipt.StateDelivered:
		x.step(began, Step{Name: "receipt", Result: OK, Detail: "delivered"})
	default:
		x.fail(began, Damaged, Step{Name: "receipt", Detail: fmt.Sprintf("%s, error %s", last.receipt.State, orDash(last.receipt.Err)), Ask: fmt.Sprintf("what does error %s mean in a receipt?", orDash(last.receipt.Err))})
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// learnReceipt says how this operator's receipts are.
func (x *examiner) learnReceipt(id string, r arrived) {
	x.learn("message id", notation(id, r.receipt))
	_, hasID := r.m.TLVs.Get(smpp.TagReceiptedMessageID)
	_, hasState := r.m.TLVs.Get(smpp.TagMessageState)
	_, text := r.m.Content()
	form := "text"
	switch {
	case (hasID || hasState) && len(text) > 0:
		form = "text and TLVs"
	case hasID || hasState:
		form = "TLVs"
	}
	if r.m.ESMClass&smpp.ESMTypeMask == 0 {
		form += ", esm_class 0"
	}
	if r.h.ID == smpp.CmdDataSM {
		form += ", in data_sm"
	}
	x.learn("receipts", form)
	if !r.receipt.Done.IsZero() {
		x.learn("clock", clock(r.receipt.Done, r.at))
	}
}

// clock compares a receipt's date, which tells no zone, with when it came.
func clock(done, at time.Time) string {
	diff := done.Sub(at.UTC())
	zone := diff.Round(15 * time.Minute)
	if done.Second() == 0 { // most tell minutes only, cut off
		zone = (diff + 30*time.Second).Round(15 * time.Minute)
	}
	rest := diff - zone
	name := "UTC"
	if zone != 0 {
		sign := "+"
		if zone < 0 {
			sign = "-"
		}
		name += fmt.Sprintf("%s%02d:%02d", sign, int(zone.Abs().Hours()), int(zone.Abs().Minutes())%60)
	}
	switch {
	case done.Second() == 0 && rest.Abs() <= time.Minute:
		return fmt.Sprintf("receipts are dated in %s, to the minute: it agrees with ours", name)
	case rest.Abs() < 2*time.Second:
		return fmt.Sprintf("receipts are dated in %s: it agrees with ours", name)
	case rest < 0:
		return fmt.Sprintf("receipts are dated in %s: theirs is %s behind ours, or the receipt took so long", name, rest.Abs().Round(time.Second))
	}
	return fmt.Sprintf("receipts are dated in %s: theirs is %s ahead of ours", name, rest.Round(time.Second))
}

// notation says how a receipt writes the id of a submit_sm_resp; empty: it is another SMS's.
func notation(id string, r receipt.Receipt) string {
	for _, told := range []string{r.MessageID, r.TextID} {
		if told == "" {
			continue
		}
		switch {
		case told == id:
			return "the same in answer and receipt"
		case strings.EqualFold(told, id):
			return "the same in answer and receipt, but for capitals"
		case strings.TrimLeft(strings.ToLower(told), "0") == strings.TrimLeft(strings.ToLower(id), "0"):
			return "the same in answer and receipt, but for leading zeros"
		case equalNumbers(id, 16, told, 10):
			return "hexadecimal in the answer, decimal in the receipt"
		case equalNumbers(id, 10, told, 16):
			return "decimal in the answer, hexadecimal in the receipt"
		}
	}
	return ""
}

func equalNumbers(a string, baseA int, b string, baseB int) bool {
	x, ok := new(big.Int).SetString(a, baseA)
	y, ok2 := new(big.Int).SetString(b, baseB)
	return ok && ok2 && x.Cmp(y) == 0
}
