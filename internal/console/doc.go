// Package console is where staff and operators work with nothing but a browser: triage, tickets, links.
//
//	browser ──form, link──▶ front (staffapi) ──▶ [Console] ──▶ session, right, CSRF ──▶ Desk ──▶ html/template
//	browser ◀─Server-Sent Events── the link page ◀── what each daemon writes to the store every second
//
// The promise kept here: every page can be read and used without JavaScript, in Indonesian and in English; a session sees
// and does what its API key may and nothing else, by one table (rights.go); and what citizens, operators and agencies wrote
// is shown as text and as nothing else.
//
// Start from [New], [Options] and [Desk].
package console
