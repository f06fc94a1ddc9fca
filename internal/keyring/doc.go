// Package keyring is what a key of the API may do with keys.
//
//	staffapi ──NewKeyRequest──▶ Ring ──▶ store ({line}:keys, {line}:audit)
//
// It promises that a key never gives more than it has itself (scopes, agency, end), neither by making a key nor by giving
// itself another's secret; that a key of an agency knows only its agency's; and that each change stands in the audit trail.
//
// Begin with [Ring].
package keyring
