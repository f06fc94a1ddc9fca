package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The audit trail: who did what to which ticket, when and from where; never a text.
//
//	a turn's commit, or a reading ──XADD──▶ {NN}:audit          a stream, in the same script as the effect
//	                                           │ chain.lua
//	one daemon's chain worker ─────────────────▼
//	{NN}:audit.packed   segments of 512 records, compressed and sealed; each record's hash covers the one before
//	{NN}:audit.head     how long the chain is, and its last hash, sealed
//
// There is a chain for each shard and one of the line, whose records hold, daily, the heads of all others: who cuts the end
// off a chain must cut it off the line's too, whose head the daemon logs and aduan audit verify prints.

// LineChain is the number of the line's own chain; the others are those of the shards.
const LineChain = Shards

const chains = Shards + 1

// What was done. Those of an SMS are written by the scripts that store its outcome.
const (
	AuditStatus    = "status"        // Ref: the status that was set
	AuditQuestion  = "question"      // to the citizen
	AuditFile      = "file"          // a report of another channel
	AuditAssign    = "assign"        // Ref: the agency
	AuditBroadcast = "broadcast"     // Ref: the job
	AuditRetry     = "retry"         // Ref: what waited for a person: an SMS, an event
	AuditDrop      = "drop"          // likewise
	AuditReveal    = "reveal"        // a whole telephone number was shown
	AuditErase     = "erase"         // by staff's order
	AuditKeyAdd    = "key.add"       // Ref: the key that was made
	AuditKeyRotate = "key.rotate"    // likewise
	AuditKeyRevoke = "key.revoke"    // likewise
	AuditSent      = "sms.sent"      // Ref: the SMS, and the proof of its text
	AuditDelivered = "sms.delivered" // Ref: the SMS
	AuditHeads     = "heads"         // Ref: the heads of all chains
)

// AuditCLI is what stands as key where a command of this machine did it.
const AuditCLI = "cli"

// Audit is a record of the trail, as it is written. Its time is Redis's own.
type Audit struct {
	KeyID  string // of the API key; "": the line itself
	Action string
	Ticket uint64 // serial; 0: none
	From   string // address; "": not over the network
	Ref    string // what it was about: a status, a key's id; never a text
}

// encode is the record as it stands in the stream.
func (a Audit) encode() string {
	ticket := ""
	if a.Ticket != 0 {
		ticket = strconv.FormatUint(a.Ticket, 10)
	}
	return strings.Join([]string{column(a.KeyID), column(a.Action), ticket, column(a.From), column(a.Ref), ""}, "\t")
}

// column keeps what parts the columns out of them.
func column(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// AuditRecord is a record as it is read.
type AuditRecord struct {
	Chain int    // shard, or LineChain
	Seq   uint64 // its place in the chain, from 1; 0: not chained yet
	At    time.Time
	Audit
}

// decodeAudit reads a record of the stream. One that cannot be read is kept as it is, in Ref.
func decodeAudit(chain int, id, stored string) AuditRecord {
	r := AuditRecord{Chain: chain}
	if p, err := parsePosition(id); err == nil {
		r.At = time.UnixMilli(int64(p.ms)).UTC() //nolint:gosec // a time of Redis's
	}
	f := strings.Split(stored, "\t")
	if len(f) != 6 {
		r.Action, r.Ref = "unreadable", column(stored)
		return r
	}
	r.KeyID, r.Action, r.From, r.Ref = f[0], f[1], f[3], f[4]
	r.Ticket, _ = strconv.ParseUint(f[2], 10, 64)
	if off, err := strconv.ParseInt(f[5], 10, 64); err == nil {
		r.At = r.At.Add(time.Duration(off) * time.Millisecond)
	}
	return r
}

// Audit writes records of what no commit brings, into the chain of a shard or LineChain. They stand when it returns nil.
func (s *Store) Audit(ctx context.Context, chain int, records ...Audit) error {
	args := make([]any, len(records))
	for i, r := range records {
		args[i] = r.encode()
	}
	if _, err := s.lines.do(ctx, scriptAudit, []string{auditKey(chain)}, args...); err != nil {
		return fmt.Errorf("audit trail: %w", err)
	}
	return nil
}
