// Package staffapi is the HTTP face of the line: the API of staff and their case systems, and the front door through which the
// other pages of the listener (health, metrics, telephones, console) are reached.
//
//	request ──▶ front (Host, origin, size, time, headers) ──▶ /v1/… ──▶ key, scope, rate ──▶ Desk
//	                                                     └──▶ Options.Extra (/livez, /metrics, /phone/, /)
//
// It promises that a key sees and touches only what its scopes and its agency allow, that a request sent again with the same
// Idempotency-Key is done once, and that every error is a problem document with a code which repeats nothing of what was sent.
// /openapi.json is made from the same declarations that serve, so it cannot tell anything else.
//
// Begin with [New], [Options] and [Desk].
package staffapi
