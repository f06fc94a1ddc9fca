// Package gsm7 is the GSM 7-bit default alphabet with its extension table
// (3GPP TS 23.038 §6.2.1), one septet an octet as SMPP carries it, and packed.
//
//	text ──Rewrite──▶ plain quotes, dashes, spaces ──Encode──▶ septets ──Pack──▶ octets
//	  ▲                                                           │                │
//	  └───────────────────────── Decode ──────────────────────────┴──── Unpack ────┘
//
// The promise kept here: Decode(Encode(s)) is s for every text that fits, and a
// text that does not fit is said not to fit, never changed on the quiet. Letters
// are never rewritten.
//
// Start from [Encode], [Decode], [Culprits].
package gsm7
