// Package sender brings what commits produced to the citizens' telephones, and
// their delivery receipts back.
//
//	commit ─▶ Reserve, Send ─▶ queue of the link, by class ─▶ dispatcher ─▶ submit_sm
//	store's due set ─▶ timers ─▶ Adopt ─┘      pace, window ──┘               │ outcome
//	deliver_sm (receipt) ─▶ Receipt ─▶ store                  store.Done ◀────┘
//	                                                               └─▶ the citizen's next SMS
//
// Each link has one dispatcher, which alone asks the link's pace (its rate, and
// what the operator lets us send) and chooses an SMS only when it may go at
// once: the most urgent. Links come and go by [Sender.Serve]; [Routes] say
// which link carries what.
//
// It keeps promise 5: every outgoing SMS ends in a known state. A place in the
// window is free only when the outcome is stored, so that after a crash at most
// a window's worth is sent twice; and the outward half of promise 4: a
// citizen's next SMS waits for the one before it.
//
// Start with [Sender], [Routes] and [Policy].
package sender
