// Package smsc is a simulated SMSC for any ESME: it stores and forwards what
// its telephones send, takes submits, sends receipts, and fails on demand.
//
//	Phone.Send ─▶ lane (one a telephone, in order) ─┐             ┌─▶ session ─deliver_sm─▶ ESME
//	              ▲ dropped, timed out, temporary ──┴─ dispatch ──┼─▶ session      │
//	              └──────────────────── answer ◀──────────────────┴────────────────┘
//	Phone.Inbox ◀─ joined parts ◀─ submit_sm ◀─ session;  receipt ─▶ lane
//	every attempt with its answer, every submit ─▶ Journal
//
// The promise kept here: a message of a telephone is delivered again until the
// ESME answers ESME_ROK or refuses it for good, and a telephone's messages stay in
// order. What an SMSC must not do to a correct ESME happens only when a fault
// asks for it (see [Server.CutLinks] and its neighbours).
//
// Start from [New], [Server.Run], [Phone.Send].
package smsc
