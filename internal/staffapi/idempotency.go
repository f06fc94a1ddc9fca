package staffapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"

	"aduan/internal/desk"
	"aduan/store"
)

// idempotency is what the store keeps of a request with an Idempotency-Key: it belongs to the API key, the method and the path,
// and to what the body means, however it is spaced and ordered. Nil without one.
func idempotency(key store.APIKey, path, idem string, body any) (*desk.Idempotency, error) {
	if idem == "" {
		return nil, nil
	}
	if len(idem) > 255 {
		p := newProblem(http.StatusUnprocessableEntity)
		p.Errors = []ProblemField{{Location: "header.Idempotency-Key", Message: "expected at most 255 octets"}}
		return nil, p
	}
	canonical, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("staffapi: fingerprint: %w", err)
	}
	return &desk.Idempotency{Key: digest(key.ID, http.MethodPost, path, idem), Fingerprint: digest(string(canonical))}, nil
}

// digest hashes strings, each with its length before it, so that no two lists look alike.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_ = binary.Write(h, binary.BigEndian, uint32(len(p))) // a hash never fails
		h.Write([]byte(p))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
