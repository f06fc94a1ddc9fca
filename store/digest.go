package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// Digest is a short name for content that stands in a key or a field that is not sealed. It is keyed, so that a dump of
// Redis does not confirm a guessed text.
func (s *Store) Digest(parts ...[]byte) string {
	mac := hmac.New(sha256.New, s.keys.id)
	mac.Write([]byte("digest"))
	var size [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		mac.Write(size[:])
		mac.Write(p)
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}
