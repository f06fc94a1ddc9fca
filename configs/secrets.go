package configs

import "strings"

// maxSecret is the largest secret file read, octets.
const maxSecret = 64 << 10

// secrets reads every x_file into its x; both at once is a mistake, for nobody could say which is meant.
func (l *loader) secrets(c *Config) {
	l.secret("store.password", &c.Store.Password, c.Store.PasswordFile)
	l.secret("case_system.webhook.secret", &c.CaseSystem.Webhook.Secret, c.CaseSystem.Webhook.SecretFile)
	for name, hook := range c.CaseSystem.Agencies {
		l.secret("case_system.agencies."+name+".secret", &hook.Secret, hook.SecretFile)
		c.CaseSystem.Agencies[name] = hook
	}
	for name, link := range c.SMPP.Links {
		l.secret("smpp.links."+name+".password", &link.Password, link.PasswordFile)
		c.SMPP.Links[name] = link
	}
}

func (l *loader) secret(key string, s *Secret, name string) {
	if name == "" {
		return
	}
	p := Problem{Key: key + "_file"}
	content, err := readUpTo(name, maxSecret)
	value := strings.TrimRight(string(content), "\r\n")
	short := key[strings.LastIndexByte(key, '.')+1:]
	switch {
	case !s.IsZero():
		p.What, p.Fix = short+" and "+short+"_file are both given", "leave out one of them"
	case err != nil:
		p.What, p.Fix = name+" cannot be read: "+reason(err), "name a file that the daemon's user may read"
	case value == "":
		p.What, p.Fix = name+" is empty", "write the "+short+" into it"
	case strings.ContainsAny(value, "\r\n"):
		p.What, p.Fix = name+" has more than one line", "leave the "+short+" alone in it"
	default:
		*s = NewSecret(value)
		return
	}
	l.problems = append(l.problems, l.located([]Problem{p})...)
}
