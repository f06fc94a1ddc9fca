// Package bench measures the full way of a message through the real binary, beside floors measured in the same run.
//
//	raw SMSC ──deliver_sm──▶ aduan serve ──commit──▶ redis-server (appendfsync always)
//	         ◀─deliver_sm_resp──   │    ◀──kept────
//	         ◀─submit_sm───────────┘
//	         ──submit_sm_resp─────▶     ──done────▶
//
//	floor 1: a bare ESME on the same generator, no store
//	floor 2: the same two scripts with the same arguments, two pipelines, nothing else
//
// Everything is in its test files: run it by make bench PKG=./internal/bench. It prints a table and writes
// bench.json at the top of the repository; what the figures mean stands in docs/design/performance.md.
package bench
