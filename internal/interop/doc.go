// Package interop lets strangers talk with us: SMPP stacks that nobody here wrote, each in a process of its own.
//
//	node-smpp, Net::SMPP as SMSC ══ aduan serve ── aduan capture ──▶ tshark
//	node-smpp, Net::SMPP, Kannel as ESME ══ recording proxy ══ aduan's simulator
//	                                              └──────────────────▶ tshark
//
// The promise tried here: what we write, others read, and what others write, we read: GSM 7-bit and UCS-2, single and in
// parts, receipts as text and as optional parameters, plain and over TLS; and tshark finds no field in it that is
// malformed or unknown. There are only tests here.
package interop
