// Package smpp is the link to an operator: SMPP 3.4 as an ESME, from the bytes
// of a PDU to a pool of links that stay bound.
//
//	            reader                owner: one goroutine, one select
//	SMSC ──▶ FrameReader ──▶ mailbox ──▶ Session ──Deliver, Proven──▶ Handler
//	                            ▲           │
//	  Delivery.Respond ─────────┤           │ answers, then (Gate) submit_sm:
//	  Slot.Submit, Probe ───────┘           ▼ one write for all there is
//	SMSC ◀────────────────────────────── conn
//	Link: dial, bind, serve, pause, again · gives out the places of the window
//
// The promise kept here is the link's half of "acknowledged means kept": the
// session never answers a message by itself but to refuse it; it tells which
// ESME_ROK the SMSC has surely read in time; and each submit_sm ends as answered,
// as surely not written, or as of unknown outcome, never as anything else.
//
// Start with [Link], [Handler] and [Delivery]. Beside the session stand the codec
// ([DecodeMessage], [AppendMessage]) on github.com/fiorix/go-smpp's fields, and
// [Status], which says what an operator's refusal means.
//
// Specification: Short Message Peer to Peer Protocol v3.4, issue 1.2; the
// sections named in comments are its.
package smpp
