// Package trace tells one message's way, from what the store keeps of it.
//
//	NUMBER ──▶ citizen ──▶ tickets ─┐
//	TICKET ───────────────▶ ticket ─┼─▶ texts, changes, SMS, tries, receipts, events
//	SMS-ID ──▶ SMS ─────────────────┘        in the order of their times
//
// The promise kept here: it reads only, on a running line, and what a daemon did
// before it was restarted is told like the rest. Numbers are masked and texts
// left out unless [Options.Reveal]; a confidential ticket's number is never told.
//
// Start from [Run], [Options] and [Report].
package trace
