package agency_test

import (
	"strings"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/agency"
	"aduan/internal/desk"
	"aduan/store/storetest"
)

func TestAnAgencyHasTextsOfItsOwn(t *testing.T) {
	s, _ := storetest.Open(t)
	e, err := conversation.New(conversation.Options{Words: own()})
	if err != nil {
		t.Fatal(err)
	}
	b := agency.New(agency.Options{Store: s, Words: own, Template: e.CheckTemplate, Now: time.Now})
	put := func(templates map[string]string) (desk.Agency, error) {
		a, _, err := b.Put(t.Context(), desk.PutAgencyRequest{Agency: desk.Agency{Name: "Dinas PU", Templates: templates}})
		return a, err
	}
	for name, bad := range map[string]map[string]string{
		"an unknown placeholder":      {"done": "{number} {nomor}"},
		"the ticket is not named":     {"done": "selesai"},
		"a name with capitals":        {"Done": "{number}"},
		"a name with a long language": {"done.indonesia": "{number}"},
		"control characters":          {"done": "{number}\n"},
		"too long":                    {"done": "{number}" + strings.Repeat("a", 1000)},
		"nothing":                     {"done": " "},
	} {
		if name == "control characters" {
			bad["done"] = "{number}\x00a"
		}
		if _, err := put(bad); !invalid(err, "templates") {
			t.Errorf("%s: %v", name, err)
		}
	}
	a, err := put(map[string]string{"done": "Laporan {number} selesai. ", "done.en": "Report {number} is done, says {agency}." + strings.Repeat(" more", 40)})
	if err != nil || a.Templates["done"] != "Laporan {number} selesai." || a.Segments["done"] != 1 || a.Segments["done.en"] != 2 {
		t.Errorf("%+v, %v", a, err)
	}
	got, err := b.Templates(t.Context(), "Dinas PU")
	if err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	if seen, err := b.Get(t.Context(), desk.Viewer{Agency: "Dinas Lain"}, "Dinas PU"); err != nil || seen.Templates != nil {
		t.Errorf("another agency sees them: %+v, %v", seen, err)
	}
	if none, err := b.Templates(t.Context(), "nobody"); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}
