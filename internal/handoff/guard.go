package handoff

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// errAddress: the name of the endpoint leads to an address that is not allowed.
var errAddress = errors.New("handoff: the address is not public: list its range in case_system.webhook.allow")

// special are ranges that are no public host though netip's own questions do not name them (IANA special-purpose registries).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),    // IETF protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarking
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, broadcast
	netip.MustParsePrefix("64:ff9b::/96"),    // NAT64: an IPv4 address is inside
	netip.MustParsePrefix("64:ff9b:1::/48"),  // NAT64, local use
	netip.MustParsePrefix("100::/64"),        // discard
	netip.MustParsePrefix("2001::/23"),       // IETF protocol assignments, Teredo too
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // 6to4: an IPv4 address is inside
	netip.MustParsePrefix("fec0::/10"),       // site-local, deprecated
}

// control checks each address right before it is dialled: after the name was looked up, so a name that changes its address
// between a check and its use gains nothing.
func control(allow []netip.Prefix, plain bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: not an address and port", errAddress)
		}
		return checkAddr(ap.Addr(), allow, plain)
	}
}

// checkAddr tells whether addr may be dialled; plain: without TLS, so loopback only.
func checkAddr(addr netip.Addr, allow []netip.Prefix, plain bool) error {
	addr = addr.Unmap().WithZone("")
	if addr.IsLoopback() {
		return nil
	}
	if plain {
		return errAddress
	}
	for _, p := range allow {
		if p.Contains(addr) {
			return nil
		}
	}
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return errAddress
	}
	for _, p := range special {
		if p.Contains(addr) {
			return errAddress
		}
	}
	return nil
}
