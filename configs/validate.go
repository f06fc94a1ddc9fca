package configs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// checker collects what is wrong with values that could be read.
type checker struct{ problems []Problem }

func check(c *Config) []Problem {
	k := &checker{}
	k.line(c.Line)
	k.positive("conversation.continuation", c.Conversation.Continuation)
	k.atLeast("conversation.flood.count", c.Conversation.Flood.Count, 1)
	k.positive("conversation.flood.per", c.Conversation.Flood.Per)
	k.atLeast("conversation.answers.per_day", c.Conversation.Answers.PerDay, 1)
	k.atLeast("conversation.answers.line_per_hour", c.Conversation.Answers.LinePerHour, 0)
	k.limits(c.Conversation.Limits)
	k.atLeast("conversation.surge.count", c.Conversation.Surge.Count, 0)
	k.atLeast("conversation.surge.times", c.Conversation.Surge.Times, 1)
	k.atLeast("conversation.surge.brief", c.Conversation.Surge.Brief, 0)
	k.store(c.Store)
	k.smpp(c.SMPP)
	k.http(c.HTTP)
	k.webhook("case_system.webhook", c.CaseSystem.Webhook)
	k.agencyHooks(c.CaseSystem.Agencies)
	if _, on := c.CaseSystem.DigestAt(); !on && c.CaseSystem.Digest != "" {
		k.bad("case_system.digest", fmt.Sprintf("%q is no time of the day", c.CaseSystem.Digest), "write it as \"07:00\", or \"\" for none")
	}
	k.positive("retention.tickets", c.Retention.Tickets)
	k.positive("retention.events", c.Retention.Events)
	k.positive("shutdown_timeout", c.ShutdownTimeout)
	k.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", c.Log.Format, "json", "console")
	return k.problems
}

// limits are the days that the line promises.
func (k *checker) limits(l Limits) {
	for _, d := range []struct {
		key  string
		days int
	}{{"verify", l.Verify}, {"answer", l.Answer}, {"remind", l.Remind}, {"escalate", l.Escalate}, {"citizen", l.Citizen}} {
		k.atLeast("conversation.limits."+d.key, d.days, 1)
		if d.days > 365 {
			k.bad("conversation.limits."+d.key, fmt.Sprintf("%d days are no promise", d.days), "write at most 365")
		}
	}
}

func (k *checker) bad(key, what, fix string) {
	k.problems = append(k.problems, Problem{Key: key, What: what, Fix: fix})
}

func (k *checker) positive(key string, d time.Duration) {
	if d <= 0 {
		k.bad(key, fmt.Sprintf("%s is no time", d), "write more than 0s")
	}
}

func (k *checker) between(key string, d, least, most time.Duration) {
	if d < least || d > most {
		k.bad(key, fmt.Sprintf("%s is outside %s to %s", d, short(least), short(most)), "write one between")
	}
}

// short is a duration without zero minutes and seconds.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

func (k *checker) atLeast(key string, n, least int) {
	if n < least {
		k.bad(key, fmt.Sprintf("%d is less than %d", n, least), fmt.Sprintf("write %d or more", least))
	}
}

func (k *checker) oneOf(key, value string, values ...string) {
	if !slices.Contains(values, value) {
		k.bad(key, fmt.Sprintf("%q is not known here", value), "write one of: "+strings.Join(values, ", "))
	}
}

// text checks a field of SMPP: a C-octet string of at most so many octets without its NUL.
func (k *checker) text(key, value string, most int) {
	if len(value) > most {
		k.bad(key, fmt.Sprintf("%d octets long, SMPP allows %d", len(value), most), "shorten it")
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		k.bad(key, "holds a control character", "write printable characters only")
	}
}

func (k *checker) line(l Line) {
	if l.ShortCode == "" || len(l.ShortCode) > 20 || strings.ContainsFunc(l.ShortCode, func(r rune) bool {
		return r <= ' ' || r >= 0x7F
	}) {
		k.bad("line.short_code", fmt.Sprintf("%q is no number to text to", l.ShortCode), "write 1 to 20 digits or letters, without spaces")
	}
	if r, err := language.ParseRegion(l.Region); err != nil || !r.IsCountry() || len(l.Region) != 2 || strings.ToUpper(l.Region) != l.Region {
		k.bad("line.region", fmt.Sprintf("%q is no region of ISO 3166", l.Region), "write two capital letters, such as ID")
	}
	if _, err := language.Parse(l.Language); err != nil {
		k.bad("line.language", fmt.Sprintf("%q is no language", l.Language), "write its code, such as id or en")
	} else if l.Files == "" {
		k.oneOf("line.language", l.Language, "id", "en")
	}
	// LoadLocation reads "" as UTC and "Local" as the machine's: both would change from machine to machine.
	if _, err := time.LoadLocation(l.Timezone); err != nil || l.Timezone == "" || l.Timezone == "Local" {
		k.bad("line.timezone", fmt.Sprintf("%q is no time zone", l.Timezone), "write its name, such as Asia/Jakarta")
	}
	if l.Files != "" {
		k.folder("line.files", l.Files)
	}
}
