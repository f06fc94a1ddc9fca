package staffapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/keyring"
	"aduan/internal/staffapi"
	"aduan/store"
	"aduan/store/storetest"
)

// fakeRing holds two keys of the agency "pu": one to rotate, one to revoke.
type fakeRing struct {
	mu   sync.Mutex
	keys []store.APIKey
}

func newRing() *fakeRing {
	return &fakeRing{keys: []store.APIKey{
		{ID: "PUKEY", Name: "pu", Scopes: []string{"admin"}, Agency: "pu"}, {ID: "PUGONE", Name: "pu", Scopes: []string{"admin"}, Agency: "pu"},
	}}
}

func (r *fakeRing) ListKeys(context.Context) ([]store.APIKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]store.APIKey{}, r.keys...), nil
}

func (*fakeRing) KeyByID(_ context.Context, id string) (store.APIKey, error) {
	return store.APIKey{ID: id}, nil
}

func (r *fakeRing) MakeKey(_ context.Context, k store.APIKey, _ store.KeyChange) (store.APIKey, string, error) {
	k.ID = "new"
	return k, "aduan_new_secret", nil
}

func (r *fakeRing) Rotate(_ context.Context, id string, _ store.KeyChange) (store.APIKey, string, error) {
	return store.APIKey{ID: id, Scopes: []string{"admin"}}, "aduan_" + id + "_secret", nil
}

func (*fakeRing) Revoke(context.Context, string, store.KeyChange) error { return nil }

func (d *fakeDesk) Audit(_ context.Context, r desk.AuditRequest) ([]desk.AuditView, string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Number != 0 {
		if err := d.seen(r.Viewer, r.Number); err != nil {
			return nil, "", err
		}
	}
	d.audited = append(d.audited, r)
	return []desk.AuditView{{At: time.Now(), Key: "K1", Action: "status", Ticket: one.String(), Chain: "shard 07", Record: 3}}, "more", nil
}

func TestTheTrailIsAskedAsTheQuerySays(t *testing.T) {
	a := newAPI(t, nil)
	w := a.do(ask("GET", "/v1/audit?ticket="+one.String()+"&key=K1&action=sms&since=2026-11-23T00:00:00Z&limit=7&cursor=abc", "head", ""))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"next":"more"`) || len(a.desk.audited) != 1 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	r := a.desk.audited[0]
	if r.Number != one || r.Key != "K1" || r.Action != "sms" || r.Limit != 7 || r.Cursor != "abc" || r.Since.IsZero() || !r.Until.IsZero() {
		t.Errorf("%+v", r)
	}
	for name, path := range map[string]string{
		"a mistyped ticket": "/v1/audit?ticket=hello", "an unknown one": "/v1/audit?ticket=" + two.String(),
	} {
		if w := a.do(ask("GET", path, "head", "")); w.Code != 404 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if w := a.do(ask("GET", "/v1/audit?ticket="+conversation.NewNumber(7, 10001).String(), keyWith("dinkes", "admin"), "")); w.Code != 404 {
		t.Errorf("another agency's ticket: %d", w.Code)
	}
}

// A key never gives more than it has, and each change stands in the trail.
func TestKeysMadeByKeys(t *testing.T) {
	s, _ := storetest.Open(t)
	ring := keyring.Ring{Store: s, Now: time.Now}
	a := newAPI(t, func(o *staffapi.Options) { o.Keys, o.Keyring = s, ring })
	add := func(k store.APIKey) string {
		t.Helper()
		secret, err := s.AddKey(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	idOf := func(secret string) string { return strings.Split(secret, "_")[1] }
	soon := time.Now().Add(time.Hour)
	head := add(store.APIKey{Name: "head", Scopes: []string{"tickets:read", "tickets:write", "admin"}})
	short := add(store.APIKey{Name: "short", Scopes: []string{"tickets:read", "admin"}, Expires: soon})
	pu := add(store.APIKey{Name: "pu", Scopes: []string{"tickets:read", "admin"}, Agency: "pu"})
	pii := add(store.APIKey{Name: "pii", Scopes: []string{"pii:read"}, Agency: "pu"})
	dinkes := add(store.APIKey{Name: "dinkes", Scopes: []string{"tickets:read"}, Agency: "dinkes"})
	for _, row := range []struct {
		name, key, body string
		code            int
		want            string
	}{
		{"what it has", head, `{"name":"x","scopes":["tickets:write"]}`, 201, `"agency":""`},
		{"for an agency", head, `{"name":"x","scopes":["tickets:write"],"agency":"pu"}`, 201, `"agency":"pu"`},
		{"a scope that it lacks", head, `{"name":"x","scopes":["pii:read"]}`, 403, "more_than_own"},
		{"of its own agency", pu, `{"name":"x","scopes":["tickets:read"]}`, 201, `"agency":"pu"`},
		{"of another agency", pu, `{"name":"x","scopes":["tickets:read"],"agency":"dinkes"}`, 403, "more_than_own"},
		{"for longer than itself", short, `{"name":"x","scopes":["tickets:read"]}`, 403, "more_than_own"},
		{"for as long as itself", short, `{"name":"x","scopes":["tickets:read"],"expires":"` + soon.UTC().Add(-time.Minute).Format(time.RFC3339) + `"}`, 201, `"expires":"`},
		{"a scope that there is not", head, `{"name":"x","scopes":["root"]}`, 422, "body.scopes"},
		{"one twice", head, `{"name":"x","scopes":["admin","admin"]}`, 422, "body.scopes"},
		{"in the past", head, `{"name":"x","scopes":["admin"],"expires":"2020-01-01T00:00:00Z"}`, 422, "body.expires"},
		{"without a name", head, `{"name":" ","scopes":["admin"]}`, 422, "body.name"},
	} {
		if w := a.do(ask("POST", "/v1/keys", row.key, row.body)); w.Code != row.code || !strings.Contains(w.Body.String(), row.want) {
			t.Errorf("%s: %d %s", row.name, w.Code, w.Body)
		}
	}
	for _, row := range []struct {
		name, method, path, key string
		code                    int
	}{
		{"rotating one that may more than oneself", "POST", "/v1/keys/" + idOf(pii) + "/rotate", pu, 403},
		{"another agency's", "POST", "/v1/keys/" + idOf(dinkes) + "/rotate", pu, 404},
		{"revoking another agency's", "DELETE", "/v1/keys/" + idOf(dinkes), pu, 404},
		{"revoking one's agency's, whatever it may", "DELETE", "/v1/keys/" + idOf(pii), pu, 204},
		{"rotating what was revoked", "POST", "/v1/keys/" + idOf(pii) + "/rotate", add(store.APIKey{Name: "all", Scopes: store.Scopes}), 409},
		{"one that there is not", "DELETE", "/v1/keys/nobody", head, 404},
	} {
		if w := a.do(ask(row.method, row.path, row.key, "")); w.Code != row.code {
			t.Errorf("%s: %d %s", row.name, w.Code, w.Body)
		}
	}
	if w := a.do(ask("GET", "/v1/keys", pu, "")); strings.Contains(w.Body.String(), "dinkes") || !strings.Contains(w.Body.String(), `"prefix":"aduan_`+idOf(pu)+`_"`) || strings.Contains(w.Body.String(), pu) {
		t.Errorf("an agency's list: %s", w.Body)
	}
	trail, _, err := s.AuditTrail(t.Context(), store.AuditQuery{Keys: map[string]bool{idOf(pu): true}})
	var did []string
	for _, r := range trail {
		did = append(did, r.Action+" from "+r.From)
	}
	if got := strings.Join(did, ", "); err != nil || got != "key.revoke from 192.0.2.1, key.add from 192.0.2.1" {
		t.Errorf("the trail says %q, %v", got, err)
	}
}

// The same request again gives the same key and rotates once, although no secret is kept.
func TestAKeyIsMadeOnceForARequest(t *testing.T) {
	s, r := storetest.Open(t)
	a := newAPI(t, func(o *staffapi.Options) { o.Keys, o.Keyring = s, keyring.Ring{Store: s, Now: time.Now} })
	admin, err := s.AddKey(t.Context(), store.APIKey{Name: "head", Scopes: store.Scopes})
	if err != nil {
		t.Fatal(err)
	}
	send := func(path, body, once string) (*httptest.ResponseRecorder, string) {
		q := ask("POST", path, admin, body)
		q.Header.Set("Idempotency-Key", once)
		w := a.do(q)
		var got struct {
			Secret string `json:"secret"`
		}
		_ = json.Unmarshal(w.Body.Bytes(), &got) // a refusal has none
		return w, got.Secret
	}
	_, first := send("/v1/keys", `{"name":"x","scopes":["tickets:read"]}`, "one")
	_, again := send("/v1/keys", `{"scopes":["tickets:read"],"name":"x"}`, "one")
	if _, err := s.FindKey(t.Context(), first); err != nil || first != again {
		t.Errorf("first %q, again %q: %v", first, again, err)
	}
	if w, _ := send("/v1/keys", `{"name":"y","scopes":["tickets:read"]}`, "one"); w.Code != 422 {
		t.Errorf("the same key with another body: %d", w.Code)
	}
	id := strings.Split(first, "_")[1]
	_, second := send("/v1/keys/"+id+"/rotate", "", "two")
	_, same := send("/v1/keys/"+id+"/rotate", "", "two")
	if second != same || second == first {
		t.Errorf("rotated to %q, again %q", second, same)
	}
	for _, secret := range []string{first, second} {
		if _, err := s.FindKey(t.Context(), secret); err != nil {
			t.Errorf("while it is rotated: %v", err)
		}
	}
	if keys, err := s.ListKeys(t.Context()); err != nil || len(keys) != 2 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	all, err := r.Client().HGetAll(t.Context(), "{line}:keys").Result()
	for _, stored := range all {
		if strings.Contains(stored, first[20:]) || strings.Contains(stored, second[20:]) {
			t.Error("a secret stands in the store")
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.EndOldSecret(t.Context(), id, store.KeyChange{By: store.AuditCLI}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FindKey(t.Context(), first); !errors.Is(err, store.ErrNoKey) {
		t.Errorf("the old secret, ended: %v", err)
	}
}

// Revoked everywhere within 5 s: requests under load are refused from the moment that it is done, on another server too.
func TestARevokedKeyIsRefusedUnderLoad(t *testing.T) {
	r := storetest.Start(t, storetest.Options{})
	o := storetest.Config(t, r)
	s, other := storetest.OpenWith(t, o), storetest.OpenWith(t, o)
	fast := func(of *store.Store) func(*staffapi.Options) {
		return func(o *staffapi.Options) { o.Keys, o.RateLimit, o.RateBurst = of, 1e6, 1e6 }
	}
	servers := []*api{newAPI(t, fast(s)), newAPI(t, fast(other))}
	secret, err := s.AddKey(t.Context(), store.APIKey{Name: "x", Scopes: []string{"tickets:read"}})
	if err != nil {
		t.Fatal(err)
	}
	var revoked sync.Map
	var wg sync.WaitGroup
	for _, a := range servers {
		for range 4 {
			wg.Go(func() {
				for refused := 0; refused < 5; {
					_, done := revoked.Load("at")
					w := httptest.NewRecorder()
					a.s.ServeHTTP(w, ask("GET", ticketPath(""), secret, ""))
					switch {
					case w.Code == 401 || w.Code == 429:
						refused++
					case done:
						t.Error("served after it was revoked")
						return
					}
				}
			})
		}
	}
	if err := s.RevokeKey(t.Context(), strings.Split(secret, "_")[1]); err != nil {
		t.Fatal(err)
	}
	revoked.Store("at", true)
	wg.Wait()
}
