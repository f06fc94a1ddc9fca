// Package receipt reads delivery receipts: what became of an SMS that we sent.
//
//	deliver_sm, esm_class & 0x3C
//	  0x04 receipt ─────────┐
//	  0x20 intermediate ────┼─▶ TLVs 0x001E, 0x0427, 0x0423 ──┐
//	  0x00 with both TLVs ──┘   text id:… stat:… err:… ───────┴─▶ Receipt{MessageID, State, Err, Done}
//	  anything else ──────────▶ no receipt: a citizen's message
//
// The promise kept here: a receipt is known by its class or its TLVs, never by
// its words alone, so a citizen cannot forge one; and every dialect of the text
// that gateways write is read, since SMPP 3.4 (appendix B) only suggests one.
//
// Start from [Parse].
package receipt
