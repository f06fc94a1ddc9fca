package agency_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"aduan/configs/words"
	"aduan/conversation"
	"aduan/internal/agency"
	"aduan/internal/desk"
	"aduan/smpp/gsm7"
	"aduan/store"
	"aduan/store/storetest"
)

var own = sync.OnceValue(func() *conversation.Words {
	w, err := conversation.LoadWords(gsm7.Len, words.FS)
	if err != nil {
		panic(err)
	}
	return w
})

func TestTheLinesOwnListNeedsNoEntry(t *testing.T) {
	s, _ := storetest.Open(t)
	b := agency.New(agency.Options{Store: s, Words: own, Now: time.Now})
	ctx := t.Context()
	for name, want := range map[string]struct {
		parent string
		known  bool
	}{
		"BPOM":                              {"", true},
		"Balai Besar POM di Jakarta":        {"BPOM", true},
		"Kabupaten Bantul":                  {"Provinsi DI Yogyakarta", true},
		"Dinas PUPR Kabupaten Bantul":       {"Kabupaten Bantul", true},
		"Dinas PUPR":                        {"", true},
		"Dinas PUPR Kabupaten Tidak Ada":    {"", false},
		"dinas pupr":                        {"", false},
		"":                                  {"", false},
		"Provinsi DI Yogyakarta":            {"", true},
		"Kementerian Pekerjaan Umum ":       {"", false},
		"Ditjen Bina Marga":                 {"Kementerian Pekerjaan Umum", true},
		"Kementerian Dalam Negeri Provinsi": {"", false},
	} {
		a, ok, err := b.Find(ctx, name)
		if err != nil || ok != want.known || a.Parent != want.parent || a.Version != 0 || ok && !a.Known {
			t.Errorf("%q: %+v, %v, %v", name, a, ok, err)
		}
	}
	if _, _, err := b.Put(ctx, desk.PutAgencyRequest{Agency: desk.Agency{Name: "Kabupaten Bantul", Parent: "Dinas PUPR Kabupaten Bantul"}}); !invalid(err, "parent") {
		t.Errorf("below its own office: %v", err)
	}
	if _, created, err := b.Put(ctx, desk.PutAgencyRequest{Agency: desk.Agency{Name: "BPOM", Officers: []desk.Officer{{Name: "Rina"}}}}); err != nil || !created {
		t.Fatal(created, err)
	}
	list, err := b.List(ctx, desk.Viewer{})
	if err != nil || len(list) < 600 {
		t.Fatalf("%d agencies, %v", len(list), err)
	}
	at := func(name string) int {
		return slices.IndexFunc(list, func(a desk.Agency) bool { return a.Name == name })
	}
	if i := at("BPOM"); i < 0 || len(list[i].Officers) != 1 || !list[i].Known || list[i].Version != 1 {
		t.Errorf("the one with details: %d", i)
	}
	if i := at("Dinas PUPR"); i >= 0 {
		t.Error("offices that every region has are listed")
	}
	list, err = b.List(ctx, desk.Viewer{Agency: "pu"})
	if i := at("BPOM"); err != nil || len(list[i].Officers) != 0 {
		t.Errorf("another agency's officers are shown: %v", err)
	}
}

func invalid(err error, field string) bool {
	var i *desk.Invalid
	return errors.As(err, &i) && i.Field == field
}

func TestWhatOneDaemonWritesTheOthersSeeWithinFiveSeconds(t *testing.T) {
	s, r := storetest.Open(t)
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	here, there := agency.New(agency.Options{Store: s, Now: clock}), agency.New(agency.Options{Store: s, Now: clock})
	known := func(b *agency.Book) bool {
		t.Helper()
		ok, err := b.Knows(t.Context(), "pu")
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if known(here) || known(there) {
		t.Fatal("known before it was put")
	}
	if _, _, err := here.Put(t.Context(), desk.PutAgencyRequest{Viewer: desk.Viewer{Name: "kepala"}, Agency: desk.Agency{Name: "pu"}}); err != nil {
		t.Fatal(err)
	}
	if !known(here) {
		t.Error("who wrote it does not see it")
	}
	mu.Lock()
	now = now.Add(5 * time.Second)
	mu.Unlock()
	if !known(there) {
		t.Error("the other does not see it after five seconds")
	}
	if err := here.Delete(t.Context(), desk.DeleteAgencyRequest{Name: "pu"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddKey(t.Context(), store.APIKey{Name: "k", Scopes: []string{"tickets:read"}, Agency: "pu"}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	now = now.Add(5 * time.Second)
	mu.Unlock()
	if !known(here) {
		t.Error("an agency that only a key names is not known")
	}
	busy := agency.New(agency.Options{Store: s, Now: clock, Busy: func(context.Context, string) (bool, error) { return true, nil }})
	var used *desk.InUse
	if err := busy.Delete(t.Context(), desk.DeleteAgencyRequest{Name: "pu"}); !errors.As(err, &used) {
		t.Errorf("one with tickets: %v", err)
	}
	r.Kill()
	if _, err := agency.New(agency.Options{Store: s, Now: clock}).Knows(t.Context(), "pu"); !errors.Is(err, desk.ErrUnavailable) {
		t.Errorf("no store: %v", err)
	}
}
