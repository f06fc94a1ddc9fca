package staffapi_test

import (
	"net/http/httptest"
	"testing"

	"aduan/internal/staffapi"
	"aduan/store"
	"aduan/store/storetest"
)

func TestKeysOfTheStore(t *testing.T) {
	s, r := storetest.Open(t)
	secret, err := s.AddKey(t.Context(), store.APIKey{Name: "case system", Scopes: []string{"tickets:read"}})
	if err != nil {
		t.Fatal(err)
	}
	a := newAPI(t, func(o *staffapi.Options) { o.Keys = s })
	get := func(key string) *httptest.ResponseRecorder { return a.do(ask("GET", ticketPath(""), key, "")) }
	if w := get(secret); w.Code != 200 {
		t.Errorf("a good key: %d %s", w.Code, w.Body)
	}
	if w := get(secret[:len(secret)-1] + "A!"); w.Code != 401 {
		t.Errorf("a wrong secret: %d", w.Code)
	}
	if w := a.do(ask("POST", ticketPath("/status"), secret, `{"status":"closed"}`)); w.Code != 403 {
		t.Errorf("a scope that it lacks: %d", w.Code)
	}
	keys, err := s.ListKeys(t.Context())
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	if err := s.RevokeKey(t.Context(), keys[0].ID); err != nil {
		t.Fatal(err)
	}
	if w := get(secret); w.Code != 401 {
		t.Errorf("revoked: %d", w.Code)
	}
	r.Kill()
	if w := get(secret); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("no store: %d %v", w.Code, w.Header())
	}
}
