package smpp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// DefaultMaxPDU is the longest PDU taken, in octets: message_payload may hold 65,535.
const DefaultMaxPDU = 70000

// firstChunk is the most that is allocated on the word of a command_length
// alone; more comes only as the octets do.
const firstChunk = 4096

// FrameReader cuts a stream into PDUs by their command_length, before any codec
// sees them.
type FrameReader struct {
	r     *bufio.Reader
	limit int
}

// NewFrameReader reads PDUs of at most limit octets; 0 means DefaultMaxPDU.
func NewFrameReader(r io.Reader, limit int) *FrameReader {
	if limit <= 0 {
		limit = DefaultMaxPDU
	}
	return &FrameReader{r: bufio.NewReaderSize(r, 16<<10), limit: limit}
}

// Next returns one whole PDU in a buffer of its own, which is the caller's.
//
// It returns io.EOF where the stream ends between two PDUs, io.ErrUnexpectedEOF
// inside one, and a *FrameError for a length that cannot be believed; then the
// stream is lost.
func (f *FrameReader) Next() ([]byte, error) {
	head, err := f.r.Peek(4)
	if err != nil {
		if len(head) > 0 && errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, err
	}
	length := binary.BigEndian.Uint32(head)
	if length < HeaderLen || uint64(length) > uint64(f.limit) {
		return nil, &FrameError{Length: length, Limit: f.limit, Seq: f.believableSeq()}
	}
	n := int(length)
	frame := make([]byte, min(n, firstChunk))
	for have := 0; ; {
		if _, err := io.ReadFull(f.r, frame[have:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if have = len(frame); have == n {
			return frame, nil
		}
		frame = append(make([]byte, 0, min(n, 2*have)), frame...)[:min(n, 2*have)]
	}
}

// Ready tells whether the next call of Next needs nothing more from the network.
func (f *FrameReader) Ready() bool {
	if f.r.Buffered() < HeaderLen {
		return false
	}
	head, err := f.r.Peek(4)
	return err == nil && uint64(binary.BigEndian.Uint32(head)) <= uint64(f.r.Buffered())
}

// Discard reads on without understanding until the stream ends, so that closing
// it does not throw away what we wrote last.
func (f *FrameReader) Discard() { _, _ = io.Copy(io.Discard, f.r) }

// believableSeq looks, without waiting, at what stands behind a false length: a
// known command with a sequence number in its range (§5.1.4) is taken for a header.
func (f *FrameReader) believableSeq() uint32 {
	head, err := f.r.Peek(min(f.r.Buffered(), HeaderLen))
	if err != nil || len(head) < HeaderLen {
		return 0
	}
	h := ParseHeader(head)
	if !h.ID.Known() || h.Seq == 0 || h.Seq > maxSeq {
		return 0
	}
	return h.Seq
}

// maxSeq is the highest sequence number; the next is 1 (§5.1.4).
const maxSeq = 0x7FFFFFFF
