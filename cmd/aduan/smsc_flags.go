package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"aduan/smpp/smsc"
)

// smscStory is what the simulator's flags tell: its profile, and what it does when.
type smscStory struct {
	script  string
	seed    uint64
	profile smsc.Profile
	steps   []smsc.Step
}

// stepFlag is the flag of one misbehaviour; it may be given several times.
type stepFlag struct {
	do    string
	story *smscStory
}

// Set reads "at=5s,for=30s".
func (f stepFlag) Set(words string) error {
	st, err := smsc.ParseStep(f.do, words)
	if err != nil {
		return err
	}
	f.story.steps = append(f.story.steps, st)
	return nil
}

func (f stepFlag) String() string { return "" }

// Type is what --help calls the value.
func (f stepFlag) Type() string { return "WHEN" }

// durationFlag is a smsc.Duration.
type durationFlag struct{ d *smsc.Duration }

func (f durationFlag) Set(s string) error {
	return f.d.UnmarshalText([]byte(s))
}

func (f durationFlag) String() string { return "" }

// Type is what --help calls the value.
func (f durationFlag) Type() string { return "duration" }

// flags registers them.
func (s *smscStory) flags(f *pflag.FlagSet) {
	f.StringVar(&s.script, "script", "", "a YAML `FILE` that says how the SMSC looks and what it does when (docs/simulator.md)")
	f.Uint64Var(&s.seed, "seed", 0, "makes message ids and all that is left to chance the same in each run; 0: not")
	p := &s.profile
	f.StringVar(&p.Name, "name", "", "system_id of our bind responses (default: aduan-smsc)")
	f.StringVar(&p.SystemID, "system-id", "", "system_id that a bind must give (default: any)")
	f.StringVar(&p.Password, "password", "", "password that a bind must give (default: any)")
	f.StringVar(&p.MessageID, "message-id", "", "message ids in submit_sm_resp: decimal, hex, HEX, padded (default: decimal)")
	f.StringVar(&p.ReceiptID, "receipt-id", "", "message ids in receipts (default: as --message-id)")
	f.StringVar(&p.Receipts, "receipts", "", "delivery receipts: asked, never, always (default: asked)")
	f.StringVar(&p.ReceiptForm, "receipt-form", "", "receipts tell their story in: both, text, tlvs (default: both)")
	f.StringVar(&p.Alphabet, "alphabet", "", "what data_coding 0 means: gsm7, gsm7-packed, latin1, ascii, utf8 (default: gsm7)")
	f.BoolVar(&p.StrictLength, "strict-length", false, "refuse a short_message that is longer than one SMS")
	f.IntVar(&p.Window, "window", 0, "deliver_sm outstanding on a session (default: 10)")
	f.IntVar(&p.BindLimit, "bind-limit", 0, "sessions at once, beyond: ESME_RALYBND (default: any number)")
	f.Var(durationFlag{&p.ResponseTimeout}, "response-timeout", "how long answers of the ESME are waited for (default: 10s)")
	f.Var(durationFlag{&p.EnquireLink}, "enquire-link", "silence after which the ESME is asked (default: 30s)")
	f.Var(durationFlag{&p.SubmitDelay}, "submit-delay", "how much later submits are answered")
	f.Var(durationFlag{&p.BindDelay}, "bind-delay", "how much later binds are answered")
	f.StringVar(&p.TLSCert, "tls-cert", "", "speak TLS with the certificate of this `FILE` (PEM); needs --tls-key")
	f.StringVar(&p.TLSKey, "tls-key", "", "the certificate's key, a `FILE` in PEM")
	f.StringVar(&p.TLSClientCA, "tls-client-ca", "", "refuse clients that show no certificate signed by one of this `FILE`")
	for _, a := range smsc.Actions() {
		f.Var(stepFlag{a.Name, s}, strings.ReplaceAll(a.Name, "_", "-"), "script: "+a.Help+readsOf(a))
	}
}

func readsOf(a smsc.Action) string {
	keys := a.Reads
	if a.Lasts {
		keys = append(append([]string(nil), keys...), "for")
	}
	if len(keys) == 0 {
		return ""
	}
	return "; reads " + strings.Join(keys, ", ")
}

// options are the simulator's, with what the script's file adds.
func (s *smscStory) options() (smsc.Options, error) {
	profile, steps := s.profile, s.steps
	if s.script != "" {
		f, err := os.Open(s.script)
		if err != nil {
			return smsc.Options{}, fmt.Errorf("smsc: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		script, err := smsc.ReadScript(f)
		if err != nil {
			return smsc.Options{}, fmt.Errorf("%s: %w", s.script, err)
		}
		profile = profile.Over(script.Profile)
		steps = append(script.Steps, steps...)
	}
	s.steps = steps
	return profile.Options(s.seed)
}

// towards fills in where texts and receipts go that do not say so.
func (s *smscStory) towards(shortCode string) {
	for _, a := range smsc.Actions() {
		for i := range s.steps {
			if st := &s.steps[i]; st.Do == a.Name && slices.Contains(a.Reads, "to") {
				st.To = cmp.Or(st.To, shortCode)
			}
		}
	}
}
