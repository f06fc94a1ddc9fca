// Package apicheck holds the HTTP API to its word: each answer that a test gets is compared with /openapi.json.
//
//	test ──request──▶ Transport ──▶ daemon
//	test ◀──answer─── compared with the operation of /openapi.json: status, headers, body
//
// It promises that no test of the suite sees an answer that the document does not tell of: tests use its [Transport] in their
// clients, or [Doc.Check] where there is no network.
//
// Begin with [Transport] and [Read].
package apicheck
