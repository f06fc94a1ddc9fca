// Package intake takes what citizens send from the links and decides each
// deliver_sm's answer.
//
//	deliver_sm ─▶ Deliver ─▶ lane of its sender, in the order of arrival
//	                          ├─ part of a long SMS ─▶ assemble ─▶ whole?
//	                          ├─ copy of an earlier one ─▶ redelivery rules
//	                          └─ turn ─▶ commit ─▶ ESME_ROK, or 0x64: keep it
//
// It keeps promise 1 (acknowledged means kept: the answer is given after the
// commit returned), promise 3 (a redelivery changes nothing, a repetition
// counts: redelivery.go) and, within one daemon, promise 4 (messages of one
// citizen one after another: lane.go).
//
// Start with [Intake], [Intake.Deliver] and [Settler].
package intake
