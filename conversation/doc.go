// Package conversation is the pure engine of the line: what a citizen's
// message means and what must come of it.
//
//	SMS ─▶ tokens ─▶ command? ─▶ answer to the question that stands? ─▶ text
//	         │          │                    │                           │
//	      word lists  a form            confirm, rate, pass      answer, add, file
//	                                                                     │
//	       (state, input, now) ─────────── Step ──────────────▶ (state, effects)
//
// The promises kept here: the conversation is a pure function (no clock, no
// I/O, no chance), a half-told complaint stands, there is no wrong door, and
// in doubt a message is a complaint: a form, not a word, makes a command.
// Words, texts, questions and categories are data.
//
// Start with [Engine.Step], [LoadWords] and [State].
package conversation
