// Package doctor tries a link, and the store, step by step, and says in plain
// words what each refusal means, what to do, and what to ask the operator.
//
//	link:  name → TCP → TLS → bind → enquire_link → (one SMS → its receipt) → unbind
//	store: name → TCP → TLS → login → version → promise → commands → schema → key → tickets
//
// The promise kept here: it loses nothing. A message of a citizen, or a receipt
// of somebody else's SMS, that the operator hands to it gets a temporary error
// (ESME_RX_T_APPN) and comes again to the daemon; in the store it writes to
// scratch keys only.
//
// Start from [CheckLink], [CheckStore] and [Part].
package doctor
