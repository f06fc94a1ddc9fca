// Package sender brings what commits produced to the citizens' telephones, and
// their delivery receipts back.
//
//	commit ─▶ Reserve, Send ─▶ queue of the link (two windows) ─▶ submit_sm
//	store's due set ─▶ timers ─▶ Send ─┘                            │ outcome
//	deliver_sm (receipt) ─▶ Receipt ─▶ store          store.Done ◀──┘
//	                                                       └─▶ the citizen's next SMS
//
// It keeps promise 5: every outgoing SMS ends in a known state. A place in the
// window is free only when the outcome is stored, so that after a crash at most
// a window's worth is sent twice; and the outward half of promise 4: a
// citizen's next SMS waits for the one before it.
//
// Start with [Sender], [Sender.Send] and [Policy].
package sender
