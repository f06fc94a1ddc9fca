package store

import "context"

// RepackForTest is what somebody does who has the line's key: it writes a segment anew, with its records changed. Where
// hashes is set, they are made to fit again.
func (s *Store) RepackForTest(ctx context.Context, chain int, number uint64, hashes bool, change func(texts []string) []string) error {
	stored, err := s.rdb.HGet(ctx, packedKey(chain), segmentField(number)).Result()
	if err != nil {
		return err
	}
	g, err := s.keys.openSegment(chain, number, stored)
	if err != nil {
		return err
	}
	texts := make([]string, len(g.records))
	for i, l := range g.records {
		texts[i] = l.text
	}
	texts = change(texts)
	fresh := &segment{before: g.before, after: g.before}
	for i, text := range texts {
		fresh.add(chain, (number-1)*segmentRecords+uint64(i)+1, link{ms: g.records[i].ms, text: text})
	}
	if !hashes {
		fresh.after, fresh.tags = g.after, g.tags[:tagSize*len(texts)]
	} else if err := s.rdb.HSet(ctx, headKey(chain), "h", s.keys.sealHead(chain, chainHead{seq: (number-1)*segmentRecords + uint64(len(texts)), hash: fresh.after})).Err(); err != nil {
		return err
	}
	return s.rdb.HSet(ctx, packedKey(chain), segmentField(number), s.keys.sealSegment(chain, number, fresh)).Err()
}

// CloseAuditDayForTest writes the heads of all chains into the line's own.
func (s *Store) CloseAuditDayForTest(ctx context.Context) error { return s.closeAuditDay(ctx) }

// Keys of the audit trail.
var (
	AuditKey  = auditKey
	HeadKey   = headKey
	PackedKey = packedKey
)

// EncodeAuditForTest is a record as it stands in the stream.
func EncodeAuditForTest(a Audit) string { return a.encode() }

// SegmentForTest packs records.
func SegmentForTest(texts ...string) []byte {
	g := &segment{before: firstHash(7), after: firstHash(7)}
	for i, text := range texts {
		g.add(7, uint64(i)+1, link{ms: 1_764_000_000_000 + uint64(i)*997, text: text})
	}
	return g.encode()
}

// RoundTripForTest packs records and unpacks them.
func RoundTripForTest(texts []string) ([]string, error) {
	g, err := decodeSegment(SegmentForTest(texts...))
	if err != nil {
		return nil, err
	}
	var got []string
	for _, l := range g.records {
		got = append(got, l.text)
	}
	return got, nil
}

// DecodeSegmentForTest unpacks what may be anything.
func DecodeSegmentForTest(b []byte) error { _, err := decodeSegment(b); return err }
