// Package segment splits a text into the parts that travel as one SMS each,
// and reads what joins such parts again.
//
//	text ── GSM 7-bit? ──yes──▶ 160 septets, or parts of 153 ─┐
//	           └─ no ─────────▶  70 UTF-16 units, or 67 ──────┴──▶ Part{UDH, Text}
//	Part{UDH} ──ParseUDH──▶ Concat{Ref, Total, Number} ──(kept until whole)──▶ Join ──▶ text
//
// The promise kept here: the parts joined again are the text (in GSM 7-bit: the
// text after gsm7.Rewrite), and no cut goes through an escape pair or a surrogate
// pair, nor through a grapheme where it fits. Everything is a pure function.
//
// Start from [Split], [ParseUDH], [DecodeText].
package segment
