package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Errors of agencies that callers decide on.
var (
	// ErrChanged: the agency is no longer as the caller read it.
	ErrChanged = errors.New("desk: the agency was changed meanwhile: read it again")
	// ErrForbidden: the viewer sees it, and may not do this to it.
	ErrForbidden = errors.New("desk: this is not yours to do")
)

// InUse is the refusal to delete an agency that something still names.
type InUse struct {
	By string // constant words: what names it
}

func (e *InUse) Error() string { return "desk: the agency is still in use: " + e.By }

// Agency is an institution that handles tickets. Its name is its id: the word agency of tickets and keys.
type Agency struct {
	Name      string            `json:"name" doc:"What tickets and keys call it; its id" example:"Dinas PUPR"`
	Parent    string            `json:"parent" doc:"Its superior: what it leaves unanswered is escalated there; empty: the head of the line"`
	Officers  []Officer         `json:"officers" nullable:"false" doc:"Who answers for it; empty to a key of another agency"`
	Templates map[string]string `json:"templates,omitempty" doc:"Its own texts for statuses, by name: {number}, {status}, {agency} and {note} stand for what they say; name.en is the one in English"`
	Segments  map[string]int    `json:"template_segments,omitempty" doc:"How many segments each takes at most, without a note"`
	Known     bool              `json:"configured" doc:"True: the line's own list of institutions has it, whether details were put or not"`
	Version   uint64            `json:"version" doc:"Counts the changes of its details; 0: none were put. The ETag is the same in quotes"`
	UpdatedAt time.Time         `json:"updated_at,omitzero" doc:"When its details were put last"`
	UpdatedBy string            `json:"updated_by,omitempty" doc:"The name of the key that put them"`
}

// Officer is a person who answers for an agency.
type Officer struct {
	Name  string `json:"name" minLength:"1" maxLength:"100"`
	Email string `json:"email,omitempty" maxLength:"254" doc:"Where the agency wants to be written to"`
	Role  string `json:"role,omitempty" maxLength:"100" doc:"What the officer does there" example:"liaison officer"`
}

// MarshalJSON never writes null for the officers, and writes times in UTC.
func (a Agency) MarshalJSON() ([]byte, error) {
	type plain Agency
	a.Officers = notNil(a.Officers)
	if !a.UpdatedAt.IsZero() {
		a.UpdatedAt = a.UpdatedAt.UTC()
	}
	return marshal(plain(a))
}

// Outside is the agency as a key of another one sees it: who it is and where it stands, so that a ticket can be forwarded there.
func (a Agency) Outside() Agency {
	return Agency{Name: a.Name, Parent: a.Parent, Known: a.Known, Version: a.Version}
}

// ReadAgency reads what [Agency.MarshalJSON] wrote.
func ReadAgency(b []byte) (Agency, error) {
	var a Agency
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fmt.Errorf("desk: the details of an agency cannot be read: %w", err)
	}
	return a, nil
}

// PutAgencyRequest makes an agency's details, or changes them.
type PutAgencyRequest struct {
	Viewer Viewer
	Agency Agency  // Name, Parent, Officers and what else its details are
	If     *uint64 // only where its version is this one (0: no details yet), else ErrChanged; nil: whatever it is
}

// DeleteAgencyRequest takes an agency's details away.
type DeleteAgencyRequest struct {
	Viewer Viewer
	Name   string
	If     *uint64 // as in PutAgencyRequest
}
