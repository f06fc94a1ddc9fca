package configs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// nationalTables are the languages of 3GPP TS 23.038 Annex A.
var nationalTables = []string{
	"turkish", "spanish", "portuguese", "bengali", "gujarati", "hindi", "kannada",
	"malayalam", "oriya", "punjabi", "tamil", "telugu", "urdu",
}

func (k *checker) smpp(s SMPP) {
	k.between("smpp.redelivery", s.Redelivery, time.Minute, 30*day)
	k.between("smpp.segments_timeout", s.SegmentsTimeout, 100*time.Millisecond, 7*day)
	k.positive("smpp.receipts_grace", s.ReceiptsGrace)
	k.positive("smpp.sms_expire", s.SMSExpire)
	if len(s.Links) == 0 {
		k.bad("smpp.links", "there is no link to any operator", "write one, with its address, system_id and password")
	}
	if s.DefaultLink != "" {
		k.known("smpp.default_link", s.DefaultLink, s.Links)
	}
	served := map[string]string{} // prefix → link
	for _, name := range slices.Sorted(maps.Keys(s.Links)) {
		l := s.Links[name]
		key := "smpp.links." + name
		if !linkName(name) {
			k.bad(key, fmt.Sprintf("%q is no name for a link", name), "use a-z and 0-9 only, at most 32")
		}
		k.login(key, l)
		k.traffic(key, l)
		k.timers(key, l)
		k.clientTLS(key+".tls", l.TLS)
		for i, p := range l.Prefixes {
			p = strings.TrimPrefix(p, "+")
			if p == "" || len(p) > 15 || strings.Trim(p, "0123456789") != "" || p[0] == '0' {
				k.bad(key+".prefixes", fmt.Sprintf("%q is no beginning of an international number", l.Prefixes[i]), "write it as \"62811\"")
				continue
			}
			if other, twice := served[p]; twice {
				k.bad(key+".prefixes", fmt.Sprintf("%s is served by link %s already", p, other), "leave it to one of them")
			}
			served[p] = name
			l.Prefixes[i] = p
		}
		for _, other := range l.Fallback {
			if other == name {
				k.bad(key+".fallback", "a link cannot stand in for itself", "name other links")
				continue
			}
			k.known(key+".fallback", other, s.Links)
		}
	}
}

// known checks the name of a link that something refers to.
func (k *checker) known(key, name string, links map[string]Link) {
	if _, ok := links[name]; !ok {
		k.bad(key, fmt.Sprintf("there is no link %q", name), "write one of: "+strings.Join(slices.Sorted(maps.Keys(links)), ", "))
	}
}

// login checks what the bind carries. Limits: SMPP 3.4 §4.1, §5.2. A password may be longer than the 8 that the
// specification allows: some operators give such ones.
func (k *checker) login(key string, l Link) {
	if l.Address == "" {
		k.bad(key+".address", "the operator's address is missing", "write it as host:port")
	} else {
		k.hostPort(key+".address", l.Address, "smsc.example.net:2775")
	}
	if l.SystemID == "" {
		k.bad(key+".system_id", "the name to log in with is missing", "write the one that the operator gave")
	}
	k.text(key+".system_id", l.SystemID, 15)
	k.text(key+".system_type", l.SystemType, 12)
	k.text(key+".service_type", l.ServiceType, 5)
	k.text(key+".address_range", l.AddressRange, 40)
	if strings.ContainsFunc(l.Password.Reveal(), func(r rune) bool { return r < ' ' || r == 0x7F }) || len(l.Password.Reveal()) > 64 {
		k.bad(key+".password", "it holds a control character or is longer than 64 octets", "write the one that the operator gave")
	}
	for _, n := range []struct {
		key string
		Numbering
	}{{key + ".source", l.Source}, {key + ".destination", l.Destination}} {
		if n.TON > 6 {
			k.bad(n.key+".ton", fmt.Sprintf("%d is no type of number", n.TON), "write 0 to 6 (SMPP 3.4 §5.2.5)")
		}
		if n.NPI > 18 {
			k.bad(n.key+".npi", fmt.Sprintf("%d is no numbering plan", n.NPI), "write 0 to 18 (SMPP 3.4 §5.2.6)")
		}
	}
}

// traffic checks how messages are written and how many at once.
func (k *checker) traffic(key string, l Link) {
	k.oneOf(key+".alphabet", l.Alphabet, "gsm7", "gsm7-packed", "latin1", "ascii", "utf8")
	for _, t := range l.NationalTables {
		k.oneOf(key+".national_tables", t, nationalTables...)
	}
	if len(l.NationalTables) > 0 && l.Alphabet != "gsm7" && l.Alphabet != "gsm7-packed" {
		k.bad(key+".national_tables", fmt.Sprintf("they shift within GSM 7-bit, and alphabet is %s", l.Alphabet), "leave them empty, or set alphabet: gsm7 where the operator takes it")
	}
	k.oneOf(key+".bind", l.Bind, BindTransceiver, BindPair)
	k.atLeast(key+".sessions", l.Sessions, 1)
	k.atLeast(key+".window", l.Window, 1)
	if l.Rate < 0 {
		k.bad(key+".rate", fmt.Sprintf("%g a second is less than none", l.Rate), "write 0 for no limit, or how many a second")
	}
}

// timers checks the link's times against what keeps it alive.
func (k *checker) timers(key string, l Link) {
	const least = 100 * time.Millisecond
	k.between(key+".enquire_link", l.EnquireLink, least, time.Hour)
	k.between(key+".response_timeout", l.ResponseTimeout, least, 5*time.Minute)
	k.between(key+".ack_within", l.AckWithin, least, 30*time.Second)
	k.between(key+".takeover", l.Takeover, time.Second, time.Hour)
	k.between(key+".reconnect.min", l.Reconnect.Min, time.Millisecond, time.Hour)
	k.between(key+".reconnect.max", l.Reconnect.Max, time.Millisecond, time.Hour)
	if l.Reconnect.Min > l.Reconnect.Max {
		k.bad(key+".reconnect", fmt.Sprintf("min %s is longer than max %s", l.Reconnect.Min, l.Reconnect.Max), "make min the shorter")
	}
}
