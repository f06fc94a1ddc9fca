package staffapi

// Tells reports whether a problem may name a location.
func Tells(location string) bool { _, ok := locations[location]; return ok }

// Codes are the codes that the guide must tell of.
func Codes() []string {
	codes := []string{"closed", "erased", "too_long", "idempotency_key_reused", "cross_origin", "line_only", "more_than_own", "key_revoked", "job_over", "in_use"}
	for status, p := range problems {
		if status != 409 { // never written without its own code
			codes = append(codes, p.code)
		}
	}
	return codes
}

// Rights is the table of rights.
func Rights() map[string]Right { return rights }
