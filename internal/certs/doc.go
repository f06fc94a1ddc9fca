// Package certs reads the certificates of a connection again while the daemon runs.
//
//	files ──▶ Source ──Config, at each connection──▶ tls.Config
//	SIGHUP ──▶ Reload ┘   what cannot be read leaves the last good one in use
//
// The promise kept here: a renewed certificate is taken up without a restart,
// and one that is half written or broken never takes a working one away.
//
// Start from [New].
package certs
