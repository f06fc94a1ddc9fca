package capture

import (
	"encoding/binary"
	"net"
	"net/netip"
)

// maxSegment is how much of a PDU one packet holds: what fits an Ethernet frame with IPv6.
const maxSegment = 1440

const (
	etherIPv4   = 0x0800
	etherIPv6   = 0x86DD
	protocolTCP = 6
	flagACK     = 0x10
	flagPSH     = 0x08
	tcpHeader   = 20
	window      = 0xFFFF
)

// Addresses of the made Ethernet: locally administered, so nobody's.
var (
	ourMAC  = [6]byte{0x02, 0, 0, 0, 0, 1}
	smscMAC = [6]byte{0x02, 0, 0, 0, 0, 2}
)

// end is one side of a connection, and how many octets it has sent.
type end struct {
	addr netip.AddrPort
	mac  [6]byte
	next uint32 // sequence number of its next octet
}

// addrPort reads a TCP address; one of another network, as tests have, is loopback.
func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		if ap := tcp.AddrPort(); ap.Addr().IsValid() {
			return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
		}
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
}

// appendPacket appends an Ethernet frame with one TCP segment from src to dst; push marks a PDU's last.
func appendPacket(b []byte, src, dst *end, data []byte, push bool) []byte {
	b = append(append(b, dst.mac[:]...), src.mac[:]...)
	segment := tcpHeader + len(data)
	from, to := src.addr.Addr(), dst.addr.Addr()
	if from.Is4() && to.Is4() {
		b = binary.BigEndian.AppendUint16(b, etherIPv4)
		b = appendIPv4(b, from.As4(), to.As4(), segment)
	} else {
		b = binary.BigEndian.AppendUint16(b, etherIPv6)
		b = appendIPv6(b, from.As16(), to.As16(), segment)
	}
	flags := byte(flagACK)
	if push {
		flags |= flagPSH
	}
	start := len(b)
	b = binary.BigEndian.AppendUint16(b, src.addr.Port())
	b = binary.BigEndian.AppendUint16(b, dst.addr.Port())
	b = binary.BigEndian.AppendUint32(b, src.next)
	b = binary.BigEndian.AppendUint32(b, dst.next) // all that came is acknowledged
	b = append(b, tcpHeader/4<<4, flags)
	b = binary.BigEndian.AppendUint16(b, window)
	b = append(b, 0, 0, 0, 0) // checksum, urgent pointer
	b = append(b, data...)
	sum := pseudoHeader(from, to, segment)
	binary.BigEndian.PutUint16(b[start+16:], checksum(sum, b[start:]))
	src.next += uint32(len(data))
	return b
}

// appendIPv4 appends the header of RFC 791, without options, of a packet with length octets of TCP.
func appendIPv4(b []byte, from, to [4]byte, length int) []byte {
	start := len(b)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(20+length))
	b = append(b, 0, 0, 0x40, 0, 64, protocolTCP, 0, 0) // not to be fragmented, 64 hops
	b = append(append(b, from[:]...), to[:]...)
	binary.BigEndian.PutUint16(b[start+10:], checksum(0, b[start:]))
	return b
}

// appendIPv6 appends the header of RFC 8200.
func appendIPv6(b []byte, from, to [16]byte, length int) []byte {
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(length))
	b = append(b, protocolTCP, 64)
	return append(append(b, from[:]...), to[:]...)
}

// pseudoHeader sums what TCP's checksum covers beside the segment (RFC 9293 §3.1).
func pseudoHeader(from, to netip.Addr, length int) uint32 {
	sum := uint32(protocolTCP + length)
	if from.Is4() && to.Is4() {
		a, b := from.As4(), to.As4()
		return sum + words(a[:]) + words(b[:])
	}
	a, b := from.As16(), to.As16()
	return sum + words(a[:]) + words(b[:])
}

func words(b []byte) (sum uint32) {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) > 0 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

// checksum is the Internet's (RFC 1071), begun with sum.
func checksum(sum uint32, b []byte) uint16 {
	sum += words(b)
	for sum > 0xFFFF {
		sum = sum>>16 + sum&0xFFFF
	}
	return ^uint16(sum)
}
