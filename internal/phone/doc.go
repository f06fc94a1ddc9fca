// Package phone is the page of telephones that `aduan try` serves under /phone/: what a visitor sees first.
//
//	browser ──POST sms──▶ [Handler] ──▶ a telephone of the simulated SMSC ──deliver_sm──▶ the daemon
//	browser ◀─Server-Sent Events── book ◀── what the telephone received, and what the daemon acknowledged
//	browser ──POST /v1/tickets/{number}/status──▶ the real staff API (not this package)
//
// The promise kept here: what an SMS carries is shown as text and as nothing else, and what the page shows has truly
// travelled over SMPP: it has no state of its own beyond what the simulator tells.
//
// Start from [New], [Options] and [Simulator].
package phone
