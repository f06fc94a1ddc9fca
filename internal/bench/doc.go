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
// BenchmarkLink measures the link alone, no store: turns a second, allocations and CPU a turn at windows of 1, 10 and
// 100, beside bare loops that answer the same peer (a process of its own) with prepared bytes.
//
// BenchmarkReceipts is what a flood of delivery receipts on the same session does to the citizens beside it.
//
// Everything is in its test files: run it by make bench PKG=./internal/bench. It prints a table and writes
// bench.json at the top of the repository; what the figures mean stands in docs/design/performance.md.
package bench
