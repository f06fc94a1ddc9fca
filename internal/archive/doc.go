// Package archive keeps closed tickets outside Redis: compressed JSON lines with an index, sealed as they were.
//
//	Redis ── closed for retention.tickets ──▶ 2026-11.jsonl.gz   a gzip member of up to 64 lines, synced
//	  │                                       2026-11.idx        then a line for each ticket, synced: it counts from here
//	  ◀── state lets go, ticket and SMS deleted ── only then
//
// What a line says of a ticket is sealed with its citizen's data key, which stays in Redis: who destroys it there has
// erased the archive too. A crash between any two steps loses nothing and doubles nothing: what stands in no index is cut
// off, what stands in one is only deleted.
//
// Start from [Run], [Folder], [Worker].
package archive
