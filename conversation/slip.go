package conversation

// minSlip is the shortest command word of which a slip is tolerated.
const minSlip = 5

// slips tells whether typed is word with one slip: a letter missing, added or
// wrong, or two neighbours swapped.
func slips(typed, word string) bool {
	a, b := typed, word
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || len(word) < minSlip || typed == word {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
