package store

import (
	"encoding/base64"
	"encoding/binary"
)

// Digest is a short name for content that stands in a key or a field that is not sealed. It is keyed, so that a dump of
// Redis does not confirm a guessed text.
func (s *Store) Digest(parts ...[]byte) string {
	mac := s.keys.mac()
	mac.Write([]byte("digest"))
	var size [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		mac.Write(size[:])
		mac.Write(p)
	}
	sum := s.keys.done(mac)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
