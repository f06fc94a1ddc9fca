package store

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/oklog/ulid/v2"

	"aduan/internal/msisdn"
)

// Shards is the number of hash tags that citizens are spread over. It is part of every ticket number and never changes.
const Shards = 100

// CitizenID names a citizen without telling the number.
type CitizenID struct {
	Shard int    // 0 to 99
	Hash  string // base64url of the first 16 bytes of HMAC-SHA256(id key, E.164)
}

// IsZero reports whether c names nobody.
func (c CitizenID) IsZero() bool { return c.Hash == "" }

// String is the id as logs show it.
func (c CitizenID) String() string { return fmt.Sprintf("%02d/%s", c.Shard, c.Hash) }

// identify derives the id of a number: the same on every daemon that has the key.
func (k *sealer) identify(m msisdn.MSISDN) CitizenID {
	mac := k.mac()
	mac.Write([]byte(m.Reveal()))
	sum := k.done(mac)
	return CitizenID{
		Shard: int(binary.BigEndian.Uint64(sum[16:24]) % Shards),
		Hash:  base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
}

// NewID makes the id of an SMS, an event or a delivery: a ULID and the two digits of its shard, so that it is found
// without an index.
func (s *Store) NewID(shard int) string {
	s.entropyMu.Lock()
	id, err := ulid.New(ulid.Timestamp(s.opt.Now()), s.opt.Entropy)
	s.entropyMu.Unlock()
	if err != nil {
		panic("store: no entropy for an id: " + err.Error()) // crypto/rand never fails; a test's reader has run dry
	}
	return fmt.Sprintf("%s%02d", id, shard)
}

// ShardOf reads the shard from an id that [Store.NewID] made; false where it cannot be one.
func ShardOf(id string) (int, bool) {
	if len(id) != ulid.EncodedSize+2 || strings.Trim(id, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
		return 0, false
	}
	tens, ones := id[len(id)-2], id[len(id)-1]
	if tens < '0' || tens > '9' || ones < '0' || ones > '9' {
		return 0, false
	}
	return int(tens-'0')*10 + int(ones-'0'), true
}
