package store

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

// Every key of a citizen carries the hash tag of the citizen's shard; what belongs to the line as a whole carries {line}.
// A part of a key that came from outside (a link's name, a message id of an SMSC) passes through safe first.

const lineTag = "{line}:"

// tag is the prefix of all keys of a shard: one cluster slot.
func tag(shard int) string {
	return "{" + string(rune('0'+shard/10)) + string(rune('0'+shard%10)) + "}:"
}

// chainTag is the prefix of the keys of one chain of the audit trail: a shard's, or the line's own.
func chainTag(chain int) string {
	if chain == LineChain {
		return lineTag
	}
	return tag(chain)
}

func citizenKey(c CitizenID) string { return tag(c.Shard) + "c:" + safe(c.Hash) }
func outKey(c CitizenID) string     { return tag(c.Shard) + "out:" + safe(c.Hash) }
func keptKey(c CitizenID) string    { return tag(c.Shard) + "kept:" + safe(c.Hash) }
func markKey(c CitizenID, digest string) string {
	return tag(c.Shard) + "k:" + safe(c.Hash) + ":" + safe(digest)
}

func groupKey(c CitizenID, key string) string {
	return tag(c.Shard) + "g:" + safe(c.Hash) + ":" + safe(key)
}

func ticketKey(shard int, serial uint64) string {
	return tag(shard) + "t:" + strconv.FormatUint(serial, 10)
}
func smsKey(shard int, id string) string          { return tag(shard) + "m:" + safe(id) }
func heldKey(shard int, boot string) string       { return tag(shard) + "held:" + safe(boot) }
func handoffKey(shard int, subject string) string { return tag(shard) + "h:" + safe(subject) }
func idempotencyKey(shard int, key string) string { return tag(shard) + "i:" + safe(key) }

// Ids of an SMSC are told apart by link, for two SMSCs count alike; what is found by one must be an SMS to the citizen
// that the receipt names, for one SMSC may write an id in two ways that are two numbers.
func receiptKey(shard int, link, id string) string {
	return tag(shard) + "r:" + digest(link, normalID(id))
}

func earlyKey(c CitizenID, link, id string) string {
	return tag(c.Shard) + "e:" + digest(link, c.Hash, normalID(id))
}
func earliesKey(shard int) string { return tag(shard) + "early" }
func dueKey(shard int) string     { return tag(shard) + "due" }
func queuedKey(shard int) string  { return tag(shard) + "q" }
func deadKey(shard int) string    { return tag(shard) + "dead" }
func parkedKey(shard int) string  { return tag(shard) + "parked" }
func lettersKey(shard int) string { return tag(shard) + "letters" }
func eventsKey(shard int) string  { return tag(shard) + "ev" }
func fenceKey(shard int) string   { return tag(shard) + "fence" }
func auditKey(chain int) string   { return chainTag(chain) + "audit" }
func headKey(chain int) string    { return chainTag(chain) + "audit.head" }
func packedKey(chain int) string  { return chainTag(chain) + "audit.packed" }
func serialKey(shard int) string  { return tag(shard) + "serial" }

func openKey(shard int) string { return tag(shard) + "open" }
func restKey(shard int) string { return tag(shard) + "rest" }
func formsKey() string         { return lineTag + "forms" }

// shelfKey is where an agency's open tickets are listed; "" is all open ones.
func shelfKey(shard int, agency string) string {
	if agency == "" {
		return openKey(shard)
	}
	return openKey(shard) + ":" + safe(agency)
}

// aliasKey is where the external ids are looked up that begin as name does.
func aliasKey(shard int, name string) string { return tag(shard) + "x:" + name[:1] }
func indexKey() string                       { return lineTag + "index" }

func bootsKey() string  { return lineTag + "boots" }
func fencedKey() string { return lineTag + "fenced" }
func sendsKey() string  { return lineTag + "sends" }
func checkKey() string  { return lineTag + "check" }
func apiKeysKey() string {
	return lineTag + "keys"
}
func leaseKey(name string) string  { return lineTag + "lease:" + safe(name) }
func statusKey(boot string) string { return lineTag + "status:" + safe(boot) }

// safe lets digits, letters and . _ - through as they are and makes a digest of anything else, so that no value
// from outside can form a key of another kind or shard.
func safe(s string) string {
	if s != "" && len(s) <= 64 && strings.IndexFunc(s, unsafeRune) < 0 {
		return s
	}
	return digest(s)
}

func unsafeRune(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' && r != '.'
}

// digest is a short fixed-length name for its parts.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// Members of the due set: one letter, then what is due.
const (
	dueSMS     = 's' // an SMS id
	dueTick    = 'q' // a citizen's hash: the conversation's time has come
	dueGroup   = 'g' // hash:key of a group of segments
	dueHandoff = 'h' // a subject with events to hand on
)
