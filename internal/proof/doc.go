// Package proof is the page that an office shows to prove that a citizen was told: the record of one ticket's SMS, to be
// printed, in Indonesian and English.
//
// It promises that nothing of it is ever markup but its own, and that it needs no script and nothing from elsewhere.
//
// Begin with [Write].
package proof
