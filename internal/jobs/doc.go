// Package jobs does for many tickets what the desk does for one: a status for up to 1,000 of them, an SMS to their reporters.
//
//	staffapi ──BulkRequest──▶ Jobs ──▶ store ({line}:job:ID)
//	                                      │ one daemon of several holds the lease
//	                         Jobs.Run ◀───┘──▶ turn.Desk, ticket by ticket ──▶ a commit each, marked with job and ticket
//
// It promises that a job which is taken up again, by this daemon or another, repeats nothing; that a citizen gets one SMS of
// a broadcast however many tickets are theirs; and that nothing of a broadcast is sent before it was confirmed, and nothing
// more once it was cancelled.
//
// Begin with [Jobs].
package jobs
