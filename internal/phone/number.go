package phone

import "strings"

// Readable writes an E.164 number in groups: +62 812-0000-0001. The numbers here are invented, so they may be read.
func Readable(digits string) string {
	if len(digits) < 9 || !strings.HasPrefix(digits, "62") {
		return "+" + digits
	}
	n := len(digits)
	return "+62 " + digits[2:n-8] + "-" + digits[n-8:n-4] + "-" + digits[n-4:]
}
