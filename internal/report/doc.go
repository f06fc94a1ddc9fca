// Package report counts how the line and each agency do: what came, what was answered and how fast, what is overdue.
//
//	store.ScanTickets ─heads─▶ Builder.Add ─▶ Report ─▶ table, CSV, JSON, the event line.digest
//
// Builder is pure: tickets in, figures out. Run scans a store; Daily tells the line's figures each morning, once, by whichever
// daemon comes first. Begin with [Options] and [Builder].
package report
