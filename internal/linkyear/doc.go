// Package linkyear lets a year pass on a link in a minute: the real links, intake, turns, timers and sender on virtual
// time, against an SMSC that misbehaves in every way that it knows, and a model of Redis that does too.
//
//	seed ─▶ plan: when, which fault, how long
//	          │
//	SMSC ◀── conn in memory ──▶ smpp.Link ─▶ intake ─▶ turn ─▶ storemodel (stops, loses answers, jumps)
//	  │  stalls, cuts, lies         ▲                    │
//	  │                             └────── sender ◀─────┘      one daemon, or two that are killed and stand still
//	  └─▶ audit: acknowledged once and after the commit; one turn a message, in order; each submit ends in one state;
//	      window and rate; bound again in time; no SMS left in doubt; no goroutine left
//
// It searches for what breaks promises 1, 3, 4 and 5 of DESIGN. Everything is in its test files. A seed that failed is
// played again by ADUAN_SEED=N (its plan is the same; goroutines of one moment may run in another order), with
// ADUAN_HOURS=N it lasts as long as is said. With the race detector the quiet times are longer, so that the year is done
// in time: a seed is played again as it failed, with the detector or without.
package linkyear
