package desk

import (
	"time"

	"aduan/conversation"
)

// ProofRequest asks for the record that the citizen of a ticket was told.
type ProofRequest struct {
	Viewer Viewer
	Number conversation.Number
	Text   *string // whether an SMS said just this is told too; nil: nothing is compared
}

// ProofView is the record that a citizen was told, to be shown to whoever asks an office.
type ProofView struct {
	Ticket   string       `json:"ticket" example:"4821-3769"`
	Status   string       `json:"status"`
	FiledAt  time.Time    `json:"filed_at"`
	Citizen  CitizenView  `json:"citizen"`
	MadeAt   time.Time    `json:"made_at" doc:"When this record was made, UTC"`
	Notices  []NoticeView `json:"notices" nullable:"false" doc:"Each SMS about the ticket, in order"`
	Chain    string       `json:"chain" doc:"The chain of the audit trail that the records stand in: aduan audit verify looks at it" example:"shard 07"`
	Erased   bool         `json:"erased" doc:"True: the citizen's data were erased, and with the key every hash here became unverifiable"`
	HashedBy string       `json:"hashed_by" doc:"How text_hash is made"`
}

// MarshalJSON never writes null for a list, and writes times in UTC.
func (p ProofView) MarshalJSON() ([]byte, error) {
	type plain ProofView
	p.FiledAt, p.MadeAt, p.Notices = p.FiledAt.UTC(), p.MadeAt.UTC(), notNil(p.Notices)
	return marshal(plain(p))
}

// NoticeView is one SMS in such a record.
type NoticeView struct {
	Message   string      `json:"message" doc:"The id of the SMS"`
	TextHash  string      `json:"text_hash" doc:"Under the citizen's own key; empty: none was kept"`
	State     string      `json:"state" doc:"As GET /v1/messages tells it"`
	Link      string      `json:"link"`
	Queued    *time.Time  `json:"queued" nullable:"true"`
	Accepted  *time.Time  `json:"accepted" nullable:"true" doc:"When the operator's SMSC took it; null: it did not"`
	Delivered *time.Time  `json:"delivered" nullable:"true" doc:"When the receipt said that the telephone has it; null: none said so"`
	Records   []ProofMark `json:"records" nullable:"false" doc:"Where the trail says so"`
	Agrees    bool        `json:"agrees" doc:"True: what the trail wrote down when it happened is what stands now"`
	Same      *bool       `json:"same" nullable:"true" doc:"Whether this SMS said just the text that was asked about; null: none was, or the key is gone"`
}

// MarshalJSON never writes null for the records.
func (n NoticeView) MarshalJSON() ([]byte, error) {
	type plain NoticeView
	n.Records = notNil(n.Records)
	return marshal(plain(n))
}

// ProofMark is a record of the audit trail about an SMS.
type ProofMark struct {
	What   string    `json:"what" doc:"sent (accepted by the SMSC), delivered, undeliverable, expired or dead"`
	At     time.Time `json:"at"`
	Record uint64    `json:"record" doc:"Its number in the chain; 0: it is chained within seconds"`
}
