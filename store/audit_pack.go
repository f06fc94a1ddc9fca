package store

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// segmentRecords is how many records a full segment of a chain has: a record's number tells its segment.
const segmentRecords = 512

const (
	segmentForm = 1
	tagSize     = 2 // octets kept of each record's own hash, to name the first that is wrong; the last is kept whole
)

// link is a record in its chain.
type link struct {
	ms   uint64 // Redis's clock; they never go back in a chain
	text string // as encode gave it
}

type chainHash [sha256.Size]byte

// firstHash is what the first record of a chain is hashed with.
func firstHash(chain int) chainHash {
	return sha256.Sum256([]byte("aduan audit " + strconv.Itoa(chain)))
}

// next is the hash of a record: it covers the one before, its place, and all that it says.
func (h chainHash) next(chain int, seq uint64, l link) chainHash {
	b := append(make([]byte, 0, len(h)+24+len(l.text)), h[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(chain)) //nolint:gosec // 0 to 100
	b = binary.BigEndian.AppendUint64(b, seq)
	b = binary.BigEndian.AppendUint64(b, l.ms)
	return sha256.Sum256(append(b, l.text...))
}

// segment is a part of a chain: at most segmentRecords records behind one another.
type segment struct {
	before  chainHash // of the record before its first
	after   chainHash // of its last
	tags    []byte    // tagSize octets of each record's hash
	records []link
}

// add chains a record behind the others.
func (g *segment) add(chain int, seq uint64, l link) {
	g.after = g.after.next(chain, seq, l)
	g.tags = append(g.tags, g.after[:tagSize]...)
	g.records = append(g.records, l)
}

// encode packs a segment: hashes, then its columns one after another, which compress far better than rows.
func (g *segment) encode() []byte {
	b := append([]byte{segmentForm}, g.before[:]...)
	b = append(b, g.after[:]...)
	b = binary.AppendUvarint(b, uint64(len(g.records)))
	b = append(b, g.tags...)
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		panic("store: flate: " + err.Error()) // only for a level that there is not
	}
	last := uint64(0)
	var plain []byte
	for _, l := range g.records {
		plain = binary.AppendUvarint(plain, l.ms-last)
		last = l.ms
	}
	for column := range 6 {
		for _, l := range g.records {
			plain = append(append(plain, columnOf(l.text, column)...), '\n')
		}
	}
	_, _ = w.Write(plain) // into memory: never fails
	_ = w.Close()
	return append(b, packed.Bytes()...)
}

// columnOf is one column of a record; what is no record of ours stands whole in the first.
func columnOf(text string, n int) string {
	if strings.Count(text, "\t") != 5 || strings.Contains(text, "\n") {
		if n > 0 {
			return ""
		}
		return "\x00" + strconv.Quote(text)
	}
	return strings.SplitN(text, "\t", 6)[n]
}

var errSegment = errors.New("it is no segment of the audit trail")

// maxSegment bounds what a segment may unpack to: a damaged one must not fill the memory.
const maxSegment = 4 << 20

func decodeSegment(b []byte) (*segment, error) {
	g := &segment{}
	if len(b) < 1+2*sha256.Size || b[0] != segmentForm {
		return nil, errSegment
	}
	copy(g.before[:], b[1:])
	copy(g.after[:], b[1+sha256.Size:])
	b = b[1+2*sha256.Size:]
	n, used := binary.Uvarint(b)
	if used <= 0 || n > segmentRecords || len(b) < used+int(n)*tagSize {
		return nil, errSegment
	}
	b = b[used:]
	g.tags = bytes.Clone(b[:int(n)*tagSize])
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b[int(n)*tagSize:])), maxSegment))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSegment, err)
	}
	g.records = make([]link, n)
	last := uint64(0)
	for i := range g.records {
		d, used := binary.Uvarint(plain)
		if used <= 0 {
			return nil, errSegment
		}
		last += d
		g.records[i].ms, plain = last, plain[used:]
	}
	columns := strings.Split(string(plain), "\n")
	if len(columns) != 6*int(n)+1 {
		return nil, errSegment
	}
	for i := range g.records {
		first := columns[i]
		if quoted, odd := strings.CutPrefix(first, "\x00"); odd {
			if g.records[i].text, err = strconv.Unquote(quoted); err != nil {
				return nil, errSegment
			}
			continue
		}
		row := make([]string, 6)
		for c := range row {
			row[c] = columns[c*int(n)+i]
		}
		g.records[i].text = strings.Join(row, "\t")
	}
	return g, nil
}

// chainHead is how long a chain is, and its last hash.
type chainHead struct {
	seq  uint64
	hash chainHash
}

func (k *sealer) sealHead(chain int, h chainHead) string {
	b := binary.BigEndian.AppendUint64(nil, h.seq)
	return string(seal(k.audit, headKey(chain), "h", append(b, h.hash[:]...)))
}

// openHead reads a head; of a chain that has not begun, "" is its start.
func (k *sealer) openHead(chain int, stored string) (chainHead, error) {
	if stored == "" {
		return chainHead{hash: firstHash(chain)}, nil
	}
	b, err := unseal(k.audit, headKey(chain), "h", []byte(stored))
	if err != nil {
		return chainHead{}, err
	}
	if len(b) != 8+sha256.Size {
		return chainHead{}, damaged(headKey(chain), "h", errSegment)
	}
	h := chainHead{seq: binary.BigEndian.Uint64(b)}
	copy(h.hash[:], b[8:])
	return h, nil
}

func segmentField(n uint64) string { return strconv.FormatUint(n, 10) }

// segmentOf is the segment of a record, from 1.
func segmentOf(seq uint64) uint64 { return (seq-1)/segmentRecords + 1 }

func (k *sealer) sealSegment(chain int, n uint64, g *segment) string {
	return string(seal(k.audit, packedKey(chain), segmentField(n), g.encode()))
}

func (k *sealer) openSegment(chain int, n uint64, stored string) (*segment, error) {
	b, err := unseal(k.audit, packedKey(chain), segmentField(n), []byte(stored))
	if err != nil {
		return nil, err
	}
	g, err := decodeSegment(b)
	if err != nil {
		return nil, damaged(packedKey(chain), segmentField(n), err)
	}
	return g, nil
}
