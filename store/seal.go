package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// MasterKeySize is the length of store.key_file in bytes.
const MasterKeySize = 32

const (
	sealedForm = 1 // version octet before each sealed value
	nonceSize  = 12
	sealedMin  = 1 + nonceSize + 16 // form, nonce, GCM tag
)

// sealer holds what the line's key file gives: who a citizen is in key names, and what wraps the citizens' keys.
type sealer struct {
	id    []byte      // HMAC key of citizen ids; never changes
	wrap  cipher.AEAD // wraps data keys
	audit cipher.AEAD // seals what is packed of the audit trail
	jobs  cipher.AEAD // seals what staff ordered for many tickets
	made  []byte      // HMAC key of API keys that a request made, so that it can be answered again
	proof string      // tells this key from another without telling the key
	macs  sync.Pool   // of hash.Hash: HMACs under id; making one costs more than a short message's sum
}

// mac is an empty HMAC under the id key. It goes back by done.
func (k *sealer) mac() hash.Hash {
	if h, ok := k.macs.Get().(hash.Hash); ok {
		return h
	}
	return hmac.New(sha256.New, k.id)
}

// done gives the sum, and the HMAC back.
func (k *sealer) done(mac hash.Hash) (sum [sha256.Size]byte) {
	mac.Sum(sum[:0])
	mac.Reset()
	k.macs.Put(mac)
	return sum
}

// newSealer derives the keys from the line's key.
func newSealer(master []byte) (*sealer, error) {
	if len(master) != MasterKeySize {
		return nil, fmt.Errorf("the key has %d bytes; a key file holds exactly %d", len(master), MasterKeySize)
	}
	derive := func(use string) []byte {
		k, err := hkdf.Key(sha256.New, master, nil, "aduan/v1/"+use, 32)
		if err != nil {
			panic("store: hkdf: " + err.Error()) // only for a length that SHA-256 cannot give
		}
		return k
	}
	wrap, err := newGCM(derive("wrap"))
	if err != nil {
		return nil, err
	}
	audit, err := newGCM(derive("audit"))
	if err != nil {
		return nil, err
	}
	jobs, err := newGCM(derive("jobs"))
	if err != nil {
		return nil, err
	}
	return &sealer{id: derive("id"), wrap: wrap, audit: audit, jobs: jobs, made: derive("made"), proof: hex.EncodeToString(derive("check")[:16])}, nil
}

// check is the value that the store keeps to tell another key in words. It tells nothing about the key.
func (k *sealer) check() string { return k.proof }

// veil makes a name of a digest that the caller took of a text: short texts and numbers could be guessed from a plain one.
func (k *sealer) veil(digest string) string {
	mac := k.mac()
	mac.Write([]byte("digest:" + digest))
	sum := k.done(mac)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// dataKey seals what belongs to one citizen. Destroying its wrapped form erases the citizen.
type dataKey struct {
	aead    cipher.AEAD
	wrapped []byte // as it stands in Redis
	raw     []byte // proofs are made with it
}

// proofSize is how many octets of a proof are kept: nobody finds another text to 96 bits.
const proofSize = 12

// proof tells, to who has the citizen's key, whether a text is the one that was sent. When the key is destroyed, it tells
// nothing any more, not even of a text that could be guessed.
func (d *dataKey) proof(text string) string {
	mac := hmac.New(sha256.New, d.raw)
	mac.Write([]byte("aduan/v1/proof\x00" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:proofSize])
}

// newDataKey makes a random key for a citizen not seen before.
func (k *sealer) newDataKey(key string) (*dataKey, error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return nil, err
	}
	aead, err := newGCM(raw)
	if err != nil {
		return nil, err
	}
	return &dataKey{aead: aead, wrapped: seal(k.wrap, key, "k", raw), raw: raw}, nil
}

// openDataKey unwraps what stands in Redis under key.
func (k *sealer) openDataKey(key string, wrapped []byte) (*dataKey, error) {
	raw, err := unseal(k.wrap, key, "k", wrapped)
	if err != nil {
		return nil, err
	}
	aead, err := newGCM(raw)
	if err != nil {
		return nil, err
	}
	return &dataKey{aead: aead, wrapped: wrapped, raw: raw}, nil
}

func (d *dataKey) seal(key, field string, plain []byte) []byte {
	return seal(d.aead, key, field, plain)
}

func (d *dataKey) unseal(key, field string, sealed []byte) ([]byte, error) {
	return unseal(d.aead, key, field, sealed)
}

// seal encrypts plain for one place: moved to another key or field, it does not open.
func seal(aead cipher.AEAD, key, field string, plain []byte) []byte {
	out := make([]byte, 1+nonceSize, sealedMin+len(plain))
	out[0] = sealedForm
	rand.Read(out[1:]) // never fails (crypto/rand)
	return aead.Seal(out, out[1:], plain, place(key, field))
}

func unseal(aead cipher.AEAD, key, field string, sealed []byte) ([]byte, error) {
	if len(sealed) < sealedMin {
		return nil, damaged(key, field, errors.New("too short for a sealed value"))
	}
	if sealed[0] != sealedForm {
		return nil, damaged(key, field, fmt.Errorf("form %d is unknown here; a newer version wrote it", sealed[0]))
	}
	plain, err := aead.Open(nil, sealed[1:1+nonceSize], sealed[1+nonceSize:], place(key, field))
	if err != nil {
		return nil, damaged(key, field, errors.New("it does not open"))
	}
	return plain, nil
}

func place(key, field string) []byte {
	return append(append([]byte(key), 0), field...)
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// madeID and madeSecret are id and secret of an API key that a request asked for: the same request again gets the same, and
// nobody without the line's key can tell them.
func (k *sealer) madeID(once string) string {
	sum := k.make("id", "", once)
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:keyIDSize]
}

func (k *sealer) madeSecret(id, once string) [sha256.Size]byte { return k.make("secret", id, once) }

func (k *sealer) make(use, id, once string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, k.made)
	for _, part := range []string{use, id, once} {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part) // a hash never fails
	}
	mac.Sum(sum[:0])
	return sum
}
