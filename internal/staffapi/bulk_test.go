package staffapi_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

// shelf keeps jobs; some of the agency "pu" stand there.
type shelf struct {
	mu  sync.Mutex
	all map[string]store.Job
}

func newShelf() *shelf {
	job := func(id, kind string, state store.JobState) store.Job {
		return store.Job{ID: id, Kind: kind, Agency: "pu", State: state, Order: []byte(`{"text":"x","example":"x"}`)}
	}
	return &shelf{all: map[string]store.Job{
		"pujob": job("pujob", "bulk", store.JobEnded), "pucast": job("pucast", "broadcast", store.JobDraft), "pudraft": job("pudraft", "broadcast", store.JobDraft),
	}}
}

func (s *shelf) NewJob(_ context.Context, j store.Job) (store.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stands, ok := s.all[j.ID]; ok {
		if stands.Print != j.Print {
			return j, store.ErrKeyMisused
		}
		return stands, nil
	}
	s.all[j.ID] = j
	return j, nil
}

func (s *shelf) Job(_ context.Context, id string) (store.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.all[id]
	if !ok {
		return j, store.ErrNotFound
	}
	return j, nil
}

func (s *shelf) MoveJob(_ context.Context, id string, from []store.JobState, to store.JobState, _ store.Audit) (store.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.all[id]
	if j.State != to && !slices.Contains(from, j.State) {
		return j, store.ErrJobState
	}
	j.State = to
	s.all[id] = j
	return j, nil
}

func (*shelf) RunningJobs(context.Context) ([]string, error) { return nil, nil }

func (*shelf) JobResults(context.Context, string, map[int]string) (store.JobState, error) {
	return store.JobRunning, nil
}

func (*shelf) KeyByID(context.Context, string) (store.APIKey, error) { return store.APIKey{}, nil }

func (d *fakeDesk) Broadcast(context.Context, desk.BroadcastOne) (desk.StatusAnswer, bool, error) {
	return desk.StatusAnswer{}, false, nil
}

func (d *fakeDesk) Reach(_ context.Context, v desk.Viewer, n conversation.Number, text string) (citizen, sms, refused string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen(v, n) != nil {
		return "", "", "not_found", nil
	}
	return "07/h", "Info untuk laporan " + n.String() + ": " + text, "", nil
}

func (d *fakeDesk) Select(context.Context, desk.Viewer, desk.ListRequest, int) ([]conversation.Number, bool, error) {
	return []conversation.Number{one, two}, false, nil
}

func (d *fakeDesk) SegmentsOf(text string) int { return 1 + len(text)/160 }

func TestABroadcastIsPreparedConfirmedAndCancelled(t *testing.T) {
	a := newAPI(t, nil)
	post := func(path, body string, code int, want ...string) desk.BroadcastView {
		t.Helper()
		w := a.do(ask("POST", path, "all", body))
		for _, s := range append(want, "") {
			if w.Code != code || !strings.Contains(w.Body.String(), s) {
				t.Errorf("%s %s: %d %s, want %d with %s", path, body, w.Code, w.Body, code, s)
			}
		}
		var v desk.BroadcastView
		_ = json.Unmarshal(w.Body.Bytes(), &v) // a refusal is none
		return v
	}
	v := post("/v1/broadcasts", `{"tickets":["`+one.String()+`","`+one.Digits()+`","hello","`+two.String()+`"],"text":"Posko buka 👍"}`, 201,
		`"state":"draft"`, `"citizens":1`, `"not_found":2`, `"alphabet":"ucs2"`, `"culprits":["👍"]`, `"per_second":5`, one.String()+": Posko buka")
	post("/v1/broadcasts", `{"filter":{"status":["filed"]},"text":"x"}`, 201, `"citizens":1`, `"skipped":{"not_found":1}`)
	post("/v1/broadcasts", `{"text":"x"}`, 422, "body.tickets")
	post("/v1/broadcasts", `{"text":"  ","tickets":["1"]}`, 422, "body.text")
	post("/v1/broadcasts", `{"text":"`+strings.Repeat("panjang ", 100)+`","tickets":["`+one.String()+`"]}`, 422, "too_long")
	post("/v1/broadcasts/"+v.ID+"/confirm", "", 202, `"state":"running"`)
	post("/v1/broadcasts/"+v.ID+"/confirm", "", 202, `"state":"running"`)
	post("/v1/broadcasts/"+v.ID+"/cancel", "", 200, `"state":"cancelled"`)
	post("/v1/broadcasts/"+v.ID+"/confirm", "", 409, "job_over")
	if w := a.do(ask("GET", "/v1/bulk/"+v.ID, "all", "")); w.Code != 404 {
		t.Errorf("a broadcast is no bulk status: %d", w.Code)
	}
}
