package desk

import (
	"encoding/json"
	"time"

	"aduan/conversation"
)

// AuditRequest asks for a page of the audit trail, the newest first. Zero values ask for all.
type AuditRequest struct {
	Viewer Viewer
	Number conversation.Number // only what was done to this ticket; 0: any
	Key    string              // only what this key did
	Action string              // only this; "sms": all that begins so
	Since  time.Time
	Until  time.Time
	Cursor string
	Limit  int
}

// AuditView is a record of the audit trail. It holds no text of anybody.
type AuditView struct {
	At     time.Time `json:"at" doc:"When it was kept, UTC"`
	Key    string    `json:"key" doc:"Id of the key that did it; cli: a command on the line's machine; empty: the line itself"`
	By     string    `json:"by" doc:"The key's name; empty: there is no such key"`
	From   string    `json:"from" doc:"The address that asked; empty: not over the network"`
	Action string    `json:"action" doc:"status, question, assign, file, broadcast, reveal (a whole number was shown), key.add, key.rotate, key.revoke, sms.sent, sms.delivered and the like"`
	Ticket string    `json:"ticket" doc:"Empty: about no ticket"`
	Ref    string    `json:"ref" doc:"What it was about: the status, the agency, the key"`
	Chain  string    `json:"chain" doc:"The chain that it stands in: shard 07, or line"`
	Record uint64    `json:"record" doc:"Its number there; 0: it is chained within seconds"`
}

// MarshalJSON writes the time in UTC.
func (a AuditView) MarshalJSON() ([]byte, error) {
	type plain AuditView
	a.At = a.At.UTC()
	return json.Marshal(plain(a))
}
