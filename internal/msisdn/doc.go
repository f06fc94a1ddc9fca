// Package msisdn holds telephone numbers that cannot print themselves.
//
//	addr on the wire          Parse              MSISDN (E.164)
//	 0812-3456-7123  TON 2 ─┐                    ┌─ String  +62•••••••123   logs, metrics, errors
//	 6281234567123   TON 0 ─┼─ trunk and prefix ─┼─ Reveal  +6281234567123  who may see it
//	 +6281234567123  TON 1 ─┘  by the region     └─ Digits   6281234567123  back to the SMSC
//	 1708, KOMINFO ─────────── ErrNotANumber
//
// The promise kept here is number 9, personal data stays inside: every usual
// way of printing (fmt, JSON, text, zap, even %+v of a struct around it) gives
// the masked form or nothing of use. Only [MSISDN.Reveal] and [MSISDN.Digits]
// tell the number, and both are easy to search for.
//
// Start from [Parse], [FromE164], [MSISDN].
package msisdn
