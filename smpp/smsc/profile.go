package smsc

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Profile is how an SMSC looks to its ESMEs all the time. Each value may be left out.
type Profile struct {
	Name            string   `yaml:"name"`             // system_id of bind responses
	SystemID        string   `yaml:"system_id"`        // what a bind must say
	Password        string   `yaml:"password"`         // likewise
	MessageID       string   `yaml:"message_id"`       // in submit_sm_resp: decimal (default), hex, HEX, padded (decimal of ten digits)
	ReceiptID       string   `yaml:"receipt_id"`       // in receipts; default as message_id
	Receipts        string   `yaml:"receipts"`         // asked (default), never, always
	ReceiptForm     string   `yaml:"receipt_form"`     // both (default), text, tlvs
	Alphabet        string   `yaml:"alphabet"`         // of data_coding 0
	StrictLength    bool     `yaml:"strict_length"`    // refuse a short_message of more than one SMS
	Window          int      `yaml:"window"`           // deliver_sm outstanding on a session
	BindLimit       int      `yaml:"bind_limit"`       // sessions at once
	ResponseTimeout Duration `yaml:"response_timeout"` // for the ESME's answers
	EnquireLink     Duration `yaml:"enquire_link"`     // idle time before it is asked
	SubmitDelay     Duration `yaml:"submit_delay"`     // before each submit_sm_resp
	BindDelay       Duration `yaml:"bind_delay"`       // before each bind response
	TLSCert         string   `yaml:"tls_cert"`         // file in PEM: TLS instead of plain TCP
	TLSKey          string   `yaml:"tls_key"`          // its key
	TLSClientCA     string   `yaml:"tls_client_ca"`    // file in PEM: ESMEs must show a certificate that it signed
}

var (
	notations    = []string{"decimal", "hex", "HEX", "padded"}
	receiptModes = []string{"asked", "never", "always"}
	receiptForms = []string{"both", "text", "tlvs"}
	alphabets    = []string{"gsm7", "gsm7-packed", "latin1", "ascii", "utf8"}
)

func (p Profile) check() error {
	for _, c := range []struct {
		name, value string
		known       []string
	}{
		{"message_id", p.MessageID, notations},
		{"receipt_id", p.ReceiptID, notations},
		{"receipts", p.Receipts, receiptModes},
		{"receipt_form", p.ReceiptForm, receiptForms},
		{"alphabet", p.Alphabet, alphabets},
	} {
		if c.value != "" && !slices.Contains(c.known, c.value) {
			return fmt.Errorf("script: profile: %s: %q; write %s", c.name, c.value, strings.Join(c.known, ", "))
		}
	}
	return nil
}

// Over gives the profile where p says nothing.
func (p Profile) Over(other Profile) Profile {
	p.Name, p.SystemID, p.Password = cmp.Or(p.Name, other.Name), cmp.Or(p.SystemID, other.SystemID), cmp.Or(p.Password, other.Password)
	p.MessageID, p.ReceiptID = cmp.Or(p.MessageID, other.MessageID), cmp.Or(p.ReceiptID, other.ReceiptID)
	p.Receipts, p.ReceiptForm = cmp.Or(p.Receipts, other.Receipts), cmp.Or(p.ReceiptForm, other.ReceiptForm)
	p.Alphabet, p.StrictLength = cmp.Or(p.Alphabet, other.Alphabet), p.StrictLength || other.StrictLength
	p.Window, p.BindLimit = cmp.Or(p.Window, other.Window), cmp.Or(p.BindLimit, other.BindLimit)
	p.ResponseTimeout, p.EnquireLink = cmp.Or(p.ResponseTimeout, other.ResponseTimeout), cmp.Or(p.EnquireLink, other.EnquireLink)
	p.SubmitDelay, p.BindDelay = cmp.Or(p.SubmitDelay, other.SubmitDelay), cmp.Or(p.BindDelay, other.BindDelay)
	p.TLSCert, p.TLSKey = cmp.Or(p.TLSCert, other.TLSCert), cmp.Or(p.TLSKey, other.TLSKey)
	p.TLSClientCA = cmp.Or(p.TLSClientCA, other.TLSClientCA)
	return p
}

// Options are the options that a profile means; an error says which value is none. With a seed message ids begin with it,
// so that two runs give the same.
func (p Profile) Options(seed uint64) (Options, error) {
	if err := p.check(); err != nil {
		return Options{}, err
	}
	secure, err := p.tlsConfig()
	if err != nil {
		return Options{}, err
	}
	o := Options{
		TLS:  secure,
		Name: p.Name, SystemID: p.SystemID, Password: p.Password, Alphabet: p.Alphabet, StrictLength: p.StrictLength, Seed: seed,
		Window: p.Window, BindLimit: p.BindLimit, ResponseTimeout: time.Duration(p.ResponseTimeout), EnquireLink: time.Duration(p.EnquireLink),
		Receipts:    ReceiptMode(max(0, slices.Index(receiptModes, p.Receipts))),
		ReceiptForm: ReceiptForm(max(0, slices.Index(receiptForms, p.ReceiptForm))),
		SubmitDelay: time.Duration(p.SubmitDelay), BindDelay: time.Duration(p.BindDelay),
	}
	var n atomic.Uint64
	n.Store(seed * 1_000_000)
	if seed == 0 {
		n.Store(uint64(time.Now().UnixMilli()) * 1000) //nolint:gosec // after 1970
	}
	form := cmp.Or(p.MessageID, "decimal")
	o.MessageID = func() string { return notation(form, n.Add(1)) }
	if in := cmp.Or(p.ReceiptID, form); in != form {
		o.ReceiptID = func(id string) string {
			base := 10
			if form == "hex" || form == "HEX" {
				base = 16
			}
			v, err := strconv.ParseUint(id, base, 64)
			if err != nil { // not one of ours
				return id
			}
			return notation(in, v)
		}
	}
	return o, nil
}

func notation(form string, n uint64) string {
	switch form {
	case "hex":
		return strconv.FormatUint(n, 16)
	case "HEX":
		return strings.ToUpper(strconv.FormatUint(n, 16))
	case "padded":
		return fmt.Sprintf("%010d", n)
	}
	return strconv.FormatUint(n, 10)
}
