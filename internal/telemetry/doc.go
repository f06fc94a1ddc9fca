// Package telemetry is what a running line tells of itself, and the one place that names it.
//
//	every part ── zap fields named here ──▶ [NewLog] ──▶ JSON lines on stderr
//	           ── its own instruments ────▶ [NewRegistry] ─▶ /metrics
//	store, links ── asked at each look ───▶ [Health] ──▶ /livez, /readyz, systemd
//
// The promise kept here: who asks is told whether the line keeps messages, and why not; no telephone number and no
// text is among it: numbers log as their masked [aduan/internal/msisdn] form, and no key for texts exists.
package telemetry
