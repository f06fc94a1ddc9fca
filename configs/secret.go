package configs

import "fmt"

// hidden is what a secret prints, whatever the verb.
const hidden = "***"

// Secret is a password or key that prints as ***. It is a struct, so that no conversion reveals it by accident.
type Secret struct{ value string }

// NewSecret hides s.
func NewSecret(s string) Secret { return Secret{value: s} }

// Reveal is the secret itself. Easy to grep.
func (s Secret) Reveal() string { return s.value }

// IsZero says whether there is none.
func (s Secret) IsZero() bool { return s.value == "" }

// String is *** or, where there is none, "".
func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return hidden
}

// Format prints String for every verb: %x and %#v reveal nothing either.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		_, _ = fmt.Fprintf(f, "%q", s.String())
		return
	}
	_, _ = f.Write([]byte(s.String()))
}

// MarshalText is String, for JSON, YAML and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
