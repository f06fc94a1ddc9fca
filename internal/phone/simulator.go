package phone

import "time"

// Simulator is the operator that the telephones hang on; [Of] makes one of an SMSC simulator.
type Simulator interface {
	Telephone(number string) Telephone // number: E.164 digits without '+'
	CutLinks() int                     // cuts every connection to the SMSC, and says how many
	Sessions() int                     // bound sessions
}

// Telephone sends and receives SMS. The page calls it from one goroutine at a time.
type Telephone interface {
	Send(to, text string) Sent
	News() []Received // what came since the last call, oldest first
}

// Received is one whole SMS that a telephone got.
type Received struct {
	At       time.Time
	From     string
	Text     string
	Alphabet string // gsm7, ucs2, another's name, or binary
	Segments int
}

// Sent is an SMS under way to the line.
type Sent interface {
	Progress() Progress
}

// Progress is how far an SMS of a telephone has come.
type Progress string

// An SMS waits in the SMSC until the daemon has acknowledged all its segments, or refused one for good.
const (
	Waiting      Progress = "waiting"
	Acknowledged Progress = "acknowledged"
	Refused      Progress = "refused"
)
