package store

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// What is kept only for who traces a message: how it came, and how each try to send it went. It travels in commits that
// are made anyway, as fields of what they write, and names no number and no text.

// OriginField is where the origin of a ticket's text or answer stands.
func OriginField(field string) string { return "w" + field }

// String is the stored form: "d DELIVERY RECEIVED", "k NAME", or "" for time.
func (o Origin) String() string {
	switch {
	case o.Delivery != "":
		return "d " + word(o.Delivery) + " " + strconv.FormatInt(millis(o.Received), 10)
	case o.By != "":
		return "k " + o.By
	}
	return ""
}

// word keeps an id of ours in one word: a delivery's is too long for safe.
func word(s string) string { return strings.ReplaceAll(s, " ", "_") }

// ParseOrigin reads what String wrote.
func ParseOrigin(s string) Origin {
	kind, rest, _ := strings.Cut(s, " ")
	switch kind {
	case "d":
		id, at, _ := strings.Cut(rest, " ")
		return Origin{Delivery: id, Received: fromMillis(at)}
	case "k":
		return Origin{By: rest}
	}
	return Origin{}
}

// Try is one try to send an SMS.
type Try struct {
	Number  int // tries before it
	At      time.Time
	Took    time.Duration
	Link    string
	Session string // begins with the boot
	Parts   []TryPart
}

// TryPart is one submit_sm of it.
type TryPart struct {
	Status    string `json:"st"` // of its submit_sm_resp, or why there is none
	MessageID string `json:"id,omitempty"`
}

// triesKept: the first and the last so many tries of an SMS are kept.
const triesKept = 8

type storedTry struct {
	Number  int       `json:"n"`
	At      int64     `json:"at"` // ms
	Took    int64     `json:"ms"`
	Link    string    `json:"l"`
	Session string    `json:"s"`
	Parts   []TryPart `json:"p"`
}

// field is where it stands in the SMS; "": there is none.
func (t *Try) field() string {
	if t == nil {
		return ""
	}
	n := max(t.Number, 0)
	if n >= triesKept {
		n = triesKept + n%triesKept
	}
	return "a" + strconv.Itoa(n)
}

func (t *Try) encode() []byte {
	if t == nil {
		return nil
	}
	b, _ := json.Marshal(storedTry{ // strings and numbers: cannot fail
		Number: t.Number, At: millis(t.At), Took: t.Took.Milliseconds(), Link: t.Link, Session: t.Session, Parts: t.Parts,
	})
	return b
}

func decodeTry(s string) (Try, bool) {
	var t storedTry
	if json.Unmarshal([]byte(s), &t) != nil {
		return Try{}, false
	}
	return Try{
		Number: t.Number, At: time.UnixMilli(t.At).UTC(), Took: time.Duration(t.Took) * time.Millisecond,
		Link: t.Link, Session: t.Session, Parts: t.Parts,
	}, true
}
