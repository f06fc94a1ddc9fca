package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"aduan/smpp"
)

// Blocks and options of pcapng (draft-ietf-opsawg-pcapng).
const (
	blockSection    = 0x0A0D0D0A
	blockInterface  = 1
	blockStatistics = 5
	blockPacket     = 6

	optEnd         = 0
	optComment     = 1
	optName        = 2 // of an interface
	optApplication = 4 // of a section
	optResolution  = 9 // of an interface's times
	optFlags       = 2 // of a packet
	optBegan       = 2 // of statistics
	optEnded       = 3
	optReceived    = 4
	optDropped     = 5

	linkEthernet = 1
	inbound      = 1
	outbound     = 2
)

// About is what stands at the head of a file.
type About struct {
	Link    string
	Version string // of the binary
	Comment string // for who opens it
	Began   time.Time
}

// Summary is what stands at its end.
type Summary struct {
	PDUs    uint64 // that were written
	Dropped uint64 // that found no room
	Why     string // why it ended
}

// Writer writes one capture. It is not safe for several goroutines.
type Writer struct {
	w     io.Writer
	about About
	flows map[string]*flow // by session
	buf   []byte
	pkt   []byte
	pdus  uint64
}

type flow struct{ us, smsc end }

// NewWriter writes the head.
func NewWriter(w io.Writer, about About) (*Writer, error) {
	f := &Writer{w: w, about: about, flows: make(map[string]*flow)}
	f.begin(blockSection)
	f.u32(0x1A2B3C4D) // tells the order of octets
	f.u32(1)          // version 1.0: two 16-bit numbers
	f.u32(0xFFFFFFFF) // length of the section: not said
	f.u32(0xFFFFFFFF)
	f.option(optComment, []byte(about.Comment))
	f.option(optApplication, []byte("aduan "+about.Version))
	f.option(optEnd, nil)
	if err := f.finish(); err != nil {
		return nil, err
	}
	f.begin(blockInterface)
	f.u32(linkEthernet)
	f.u32(0) // packets of any length
	f.option(optName, []byte("link "+about.Link))
	f.option(optResolution, []byte{9}) // nanoseconds
	f.option(optEnd, nil)
	return f, f.finish()
}

// PDU writes one PDU. The octets are written as they are: blank them before.
func (f *Writer) PDU(p smpp.Tapped) error {
	fl := f.flow(p)
	src, dst, direction := &fl.smsc, &fl.us, uint32(inbound)
	if p.Out {
		src, dst, direction = &fl.us, &fl.smsc, outbound
	}
	rest := p.Octets
	for {
		part := rest[:min(len(rest), maxSegment)]
		rest = rest[len(part):]
		f.pkt = appendPacket(f.pkt[:0], src, dst, part, len(rest) == 0)
		if err := f.packet(p.At, direction); err != nil {
			return err
		}
		if len(rest) == 0 {
			break
		}
	}
	f.pdus++
	return nil
}

// PDUs is how many were written.
func (f *Writer) PDUs() uint64 { return f.pdus }

func (f *Writer) flow(p smpp.Tapped) *flow {
	fl, ok := f.flows[p.Session]
	if !ok {
		fl = &flow{us: end{addr: addrPort(p.Local), mac: ourMAC, next: 1}, smsc: end{addr: addrPort(p.Remote), mac: smscMAC, next: 1}}
		f.flows[p.Session] = fl
	}
	return fl
}

func (f *Writer) packet(at time.Time, direction uint32) error {
	f.begin(blockPacket)
	f.u32(0) // the interface
	f.time(at)
	f.u32(uint32(len(f.pkt)))
	f.u32(uint32(len(f.pkt)))
	f.padded(f.pkt)
	f.option(optFlags, binary.LittleEndian.AppendUint32(nil, direction))
	f.option(optEnd, nil)
	return f.finish()
}

// Close writes the end: what was recorded, what was lost, and why it ended. It does not close the stream below.
func (f *Writer) Close(at time.Time, s Summary) error {
	f.begin(blockStatistics)
	f.u32(0)
	f.time(at)
	f.option(optComment, []byte(s.Why))
	f.option(optBegan, f.stamp(f.about.Began))
	f.option(optEnded, f.stamp(at))
	f.option(optReceived, binary.LittleEndian.AppendUint64(nil, s.PDUs))
	f.option(optDropped, binary.LittleEndian.AppendUint64(nil, s.Dropped))
	f.option(optEnd, nil)
	return f.finish()
}

// begin starts a block: its type, and room for its length.
func (f *Writer) begin(kind uint32) {
	f.buf = binary.LittleEndian.AppendUint32(f.buf[:0], kind)
	f.u32(0)
}

// finish writes the block with its length before and behind it, at once.
func (f *Writer) finish() error {
	n := uint32(len(f.buf) + 4)
	binary.LittleEndian.PutUint32(f.buf[4:], n)
	f.u32(n)
	if _, err := f.w.Write(f.buf); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	return nil
}

func (f *Writer) u32(v uint32) { f.buf = binary.LittleEndian.AppendUint32(f.buf, v) }

// time appends nanoseconds since 1970, the higher half first.
func (f *Writer) time(at time.Time) { f.buf = append(f.buf, f.stamp(at)...) }

func (f *Writer) stamp(at time.Time) []byte {
	ns := uint64(at.UnixNano())
	b := binary.LittleEndian.AppendUint32(nil, uint32(ns>>32))
	return binary.LittleEndian.AppendUint32(b, uint32(ns))
}

func (f *Writer) option(code uint16, value []byte) {
	f.buf = binary.LittleEndian.AppendUint16(f.buf, code)
	f.buf = binary.LittleEndian.AppendUint16(f.buf, uint16(len(value)))
	f.padded(value)
}

// padded appends octets and zeros up to a multiple of four.
func (f *Writer) padded(b []byte) {
	f.buf = append(f.buf, b...)
	f.buf = append(f.buf, make([]byte, -len(b)&3)...)
}
