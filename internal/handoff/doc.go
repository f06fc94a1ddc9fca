// Package handoff hands committed events on to the case system: a signed webhook for each, again and again until it is taken.
//
//	turn ──Offer(ref)──▶ queue ──▶ worker ──Body──▶ ticket as it is now
//	timers ──Offer(due)──┘           │ CloudEvents JSON, Standard Webhooks signature
//	                                 ▼
//	                         case system: 2xx ──▶ store.Handed, the ticket's next event
//	                                      else ──▶ store.Postpone: growing pauses, 3 days, then once a day
//
// It promises that an event is delivered at least once, always under the same webhook-id, and that an event of a ticket is sent
// only when the one before it was answered 2xx. Tickets do not wait for each other. The queue in memory is only the fast path:
// what does not fit, or was under way when the process died, is due in the store when its lease ends.
//
// Begin with [Handoff.Run], [Handoff.Offer] and [Endpoint].
package handoff
