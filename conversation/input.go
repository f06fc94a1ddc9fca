package conversation

// Input is what happens to a conversation: one of SMS, Unreadable, LatePart,
// StaffStatus, StaffQuestion, StaffFile, StaffAssign, Erasure, Archived and Tick.
type Input interface{ input() }

// SenderKind tells who may be behind a sender's address.
type SenderKind int

// A citizen's number, or an address that is never answered: a short code, an
// alphanumeric name, our own code.
const (
	SenderCitizen SenderKind = iota
	SenderMachine
)

// SMS is a message of the citizen. Of a long one with gaps, Parts holds the
// parts ("" where one is missing) and Gaps their numbers, from 1; Text is
// then not needed.
type SMS struct {
	Text  string
	Parts []string
	Gaps  []int
	Link  string
	// NewNumber is the number that a new ticket would get.
	NewNumber Number
	// Known are the citizen's own tickets that the text names and the state
	// does not hold.
	Known []Ticket
	// Unreadable are the citizen's own tickets that the text names and that are damaged where they are stored.
	Unreadable []Number
	Sender     SenderKind
	// Brief: the line is far behind. What files or adds is answered with what holds the number alone, and no detail is asked.
	Brief bool
}

// Unreadable is binary, empty or undecodable content.
type Unreadable struct {
	Link   string
	Sender SenderKind
}

// LatePart is a part that fills the gap of a message taken earlier. Entry is
// the entry as stored, a text's or an answer's. Ticket is 0 where no ticket
// took the message.
type LatePart struct {
	Ticket Number
	Field  string // "x3": a text, "a1": an answer
	Entry  TextEntry
	Part   int // from 1
	Text   string
	Known  []Ticket
}

// StaffStatus is a status that staff set. Nil pointers change nothing.
type StaffStatus struct {
	Ticket      Number
	Status      Status
	Note        string // for the citizen
	Notify      bool
	By          string
	Agency      *string
	ExternalID  *string
	MaxSegments int // 0: 3
	// Templates are the agency's own text for this, by language, "" of any; none: the catalogue's.
	Templates map[string]string
	Known     []Ticket
}

// StaffQuestion is an officer's question to the citizen.
type StaffQuestion struct {
	Ticket      Number
	Text        string
	By          string
	MaxSegments int // 0: 3
	Known       []Ticket
}

// StaffFile is a report that came by another channel: web, app, a desk.
type StaffFile struct {
	Text       string
	Kind       Kind // "": a complaint
	By         string
	Agency     string // whose it is at once; "": the triage desk's
	ExternalID string
	Category   string // as the channel asked for it; "": guessed from the text
	Location   string // where it is, as the channel asked for it; "": only what the text says
	Notify     bool   // the citizen gets the number by SMS
	NoPhone    bool   // the citizen has no telephone known to us
	NewNumber  Number // that the ticket gets
}

// StaffAssign hands a ticket to an agency; "": back to the triage desk.
type StaffAssign struct {
	Ticket      Number
	Agency      string
	Note        string
	Notify      bool // the citizen is told, with the note
	By          string
	MaxSegments int // 0: 3
	Known       []Ticket
}

// Erasure is an erasure that staff carry out for the citizen, at once. Known
// are all the citizen's tickets that the state does not hold.
type Erasure struct{ Known []Ticket }

// Archived says that these closed tickets leave: they were put into the archive.
type Archived struct{ Tickets []Number }

// Tick says that time has come: State.TickAt. Known are the tickets that
// State.Due names; where an erasure is due, all that the state does not hold.
type Tick struct{ Known []Ticket }

func (SMS) input()           {}
func (Unreadable) input()    {}
func (LatePart) input()      {}
func (StaffStatus) input()   {}
func (StaffQuestion) input() {}
func (StaffFile) input()     {}
func (StaffAssign) input()   {}
func (Erasure) input()       {}
func (Archived) input()      {}
func (Tick) input()          {}

// text returns what the message says, a gap as a space.
func (m *SMS) text() string {
	if len(m.Parts) == 0 {
		return m.Text
	}
	return joinParts(m.Parts, m.Gaps, " ")
}

// entryParts returns the parts as an entry keeps them.
func (m *SMS) entryParts() (parts []string, gaps []int) {
	if len(m.Parts) == 0 {
		return []string{m.Text}, nil
	}
	return append([]string(nil), m.Parts...), append([]int(nil), m.Gaps...)
}
