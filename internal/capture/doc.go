// Package capture records a link's PDUs from the running daemon, as a file that Wireshark and tshark read.
//
//	smpp.Link ══Tap══▶ [Recorder] ── bounded; never waits ──▶ [Blank] ──▶ [Writer] ──▶ unix socket ──▶ [Fetch] ──▶ FILE
//	  (link)             what finds no room is counted          (daemon, 0600)            (tool)
//
// The promise kept here: texts, telephone numbers and passwords leave the daemon blanked, at the same length, unless the
// asker's API key has the scope pii:read; passwords leave it never. What is not understood is blanked whole. A session is
// never held up, whatever becomes of its capture.
//
// The file is pcapng. The PDUs are real, with the session's real addresses and ports; Ethernet, IP and TCP around them
// are made here, because the daemon sees no packets: one PDU a packet, whatever the network did.
//
// Over the same socket the daemon gives profiles of itself ([FetchProfile]), where its configuration allows that.
//
// Start from [Writer], [Blank] and [Server].
package capture
