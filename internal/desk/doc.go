// Package desk holds the words in which the line speaks with staff: what a ticket looks like from outside, what staff may ask
// of it, and how a request can be refused.
//
//	staffapi ──StatusRequest──▶ turn.Desk ──▶ conversation ──▶ store
//	staffapi ◀─StatusAnswer, TicketView──┘
//	handoff  ◀─TicketView (the data of an event)
//
// It promises that each JSON body is exactly the one of the contract: lists are never null, times are UTC, and a telephone
// number is masked unless the viewer may see it.
//
// Begin with [TicketView], [StatusRequest] and [ErrNotFound].
package desk
