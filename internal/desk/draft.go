package desk

// DraftView is the SMS that a push would send, word for word. Nothing was sent and nothing has changed.
type DraftView struct {
	Text     string // "": no SMS goes out
	Alphabet string // gsm7 or ucs2
	Segments int
	Left     int    // characters left in the last segment
	Refused  string // opted_out: the status would change, without an SMS; "": nothing is refused
}
