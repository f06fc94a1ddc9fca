package conversation_test

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"aduan/configs/words"
	"aduan/conversation"
)

// Kepmendagri 300.2.2-2138 of 2025.
func TestAllRegionsOfTheCountryAreThere(t *testing.T) {
	data, err := words.FS.ReadFile("agencies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Regions map[string]struct{ Regencies, Cities []string }
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	regencies, cities := 0, 0
	for name, r := range file.Regions {
		regencies += len(r.Regencies)
		cities += len(r.Cities)
		for _, list := range [][]string{r.Regencies, r.Cities} {
			sorted := slices.Sorted(slices.Values(list))
			if len(slices.Compact(sorted)) != len(list) {
				t.Errorf("%s: a name stands twice", name)
			}
		}
	}
	if len(file.Regions) != 38 || regencies != 416 || cities != 98 {
		t.Errorf("%d provinces, %d regencies, %d cities; want 38, 416, 98", len(file.Regions), regencies, cities)
	}
	if institutions, units := shipped(t).Institutions(); institutions < 654 {
		t.Errorf("%d institutions with %d units, want 654 at least", institutions, units)
	} else {
		t.Logf("%d institutions with %d units", institutions, units)
	}
}

func TestWhoIsLikelyToCare(t *testing.T) {
	w := shipped(t)
	for _, c := range []struct{ name, text, region, agency string }{
		{"the office of the place that is named", "jalan rusak di Kab Bantul", "Kabupaten Bantul", "Dinas PUPR Kabupaten Bantul"},
		{"a city and the regency around it", "jln rusak parah kota bandung", "Kota Bandung", "Dinas PUPR Kota Bandung"},
		{"… the regency", "jln rusak parah kabupaten bandung", "Kabupaten Bandung", "Dinas PUPR Kabupaten Bandung"},
		{"… and neither is said: the city", "sampah menumpuk di Bandung", "Kota Bandung", "Dinas Lingkungan Hidup Kota Bandung"},
		{"the longer name", "jalan rusak di Bandung Barat", "Kabupaten Bandung Barat", "Dinas PUPR Kabupaten Bandung Barat"},
		{"a province where nothing nearer is named", "jalan rusak di Sulawesi Barat", "Provinsi Sulawesi Barat", "Dinas PUPR Provinsi Sulawesi Barat"},
		{"a regency before its province", "jalan rusak di Majene Sulawesi Barat", "Kabupaten Majene", "Dinas PUPR Kabupaten Majene"},
		{"an ordinary word is no city", "jalan penuh batu dan lubang", "", "Dinas PUPR"},
		{"… but behind KOTA it is", "jalan berlubang di kota batu", "Kota Batu", "Dinas PUPR Kota Batu"},
		{"an institution of the whole country has no place", "listrik padam di Sleman", "Kabupaten Sleman", "PLN"},
		{"an institution that the text names comes first", "lapor ke kemenkes, puskesmas tutup", "", "Kementerian Kesehatan"},
		{"… also where no category is guessed", "kemlu tolong kami", "", "Kementerian Luar Negeri"},
		{"an office that the text names", "dinkes Sleman tidak menanggapi", "Kabupaten Sleman", "Dinas Kesehatan Kabupaten Sleman"},
	} {
		g := w.Explain(c.text)
		if g.Region != c.region || len(g.Agencies) == 0 || g.Agencies[0] != c.agency {
			t.Errorf("%s: %q: region %q, agencies %v; want %q, %q", c.name, c.text, g.Region, g.Agencies, c.region, c.agency)
		}
	}
	if g := w.Explain("halo"); g.Region != "" || len(g.Agencies) != 0 {
		t.Errorf("%+v", g)
	}
}

func TestTheLikelyInstitutionStandsInTheTicketAndDecidesNothing(t *testing.T) {
	type turn struct{ text, likely string }
	for _, c := range []struct {
		name  string
		turns []turn
	}{
		{"by category and place", []turn{{"jalan rusak parah di RT 3 Bantul", "Dinas PUPR Kabupaten Bantul"}}},
		{"the answer tells the place", []turn{{"jalan rusak parah", "Dinas PUPR"}, {"Pleret kab Bantul", "Dinas PUPR Kabupaten Bantul"}}},
		{"… without a place nothing changes", []turn{{"jalan rusak parah", "Dinas PUPR"}, {"depan rumah pak Budi", "Dinas PUPR"}}},
		{"… nor where it is passed", []turn{{"jalan rusak parah", "Dinas PUPR"}, {"lewat", "Dinas PUPR"}}},
		{"a nearer place than the text", []turn{{"jalan rusak parah di Jawa Barat", "Dinas PUPR Provinsi Jawa Barat"}, {"Bandung Barat", "Dinas PUPR Kabupaten Bandung Barat"}}},
		{"… but not the province around it", []turn{{"jalan rusak parah di Majene", "Dinas PUPR Kabupaten Majene"}, {"Sulawesi Barat", "Dinas PUPR Kabupaten Majene"}}},
		{"… another province", []turn{{"jalan rusak parah di Majene", "Dinas PUPR Kabupaten Majene"}, {"Jawa Barat", "Dinas PUPR Provinsi Jawa Barat"}}},
		{"one of the whole country has no place", []turn{{"listrik padam terus", "PLN"}, {"Sleman", "PLN"}}},
		{"an office near by is not who is meant", []turn{{"jalan rusak parah", "Dinas PUPR"}, {"depan dinas kesehatan Sleman", "Dinas PUPR Kabupaten Sleman"}}},
		{"no category: who is meant is asked", []turn{{"mereka mengecewakan kami semua", ""}, {"Sleman", ""}, {"kemenkes", "Kementerian Kesehatan"}}},
		{"… an office has the place that was told", []turn{{"mereka mengecewakan kami semua di Sleman", ""}, {"Sleman", ""}, {"dinkes Sleman", "Dinas Kesehatan Kabupaten Sleman"}}},
	} {
		e := engine(t)
		var s conversation.State
		for i, turn := range c.turns {
			s, _ = e.Step(s, conversation.SMS{Text: turn.text, NewNumber: conversation.NewNumber(42, uint64(10001+i))}, morning)
			if len(s.Tickets) != 1 {
				t.Fatalf("%s: %q: %d tickets", c.name, turn.text, len(s.Tickets))
			}
			if got := s.Tickets[0]; got.Likely != turn.likely || got.Agency != "" {
				t.Errorf("%s: %q: likely %q, agency %q; want %q, none", c.name, turn.text, got.Likely, got.Agency, turn.likely)
			}
		}
	}
}

// Whatever the line says of a confidential ticket names nobody who is likely to care.
func TestNoSMSOfAConfidentialTicketNamesTheLikelyInstitution(t *testing.T) {
	e := engine(t)
	number := conversation.NewNumber(42, 10001)
	var s conversation.State
	for _, text := range []string{"RAHASIA pungutan liar di loket samsat", "Sleman", "CEK", "CEK " + number.String(), "TAMBAH setiap hari", "TAMBAH", "BATAL", "tidak", "bantuan"} {
		var fx conversation.Effects
		s, fx = e.Step(s, conversation.SMS{Text: text, NewNumber: number}, morning)
		if likely := s.Tickets[0].Likely; !strings.HasPrefix(likely, "Inspektorat") {
			t.Fatalf("%q: likely %q", text, likely)
		}
		for _, r := range fx.Replies {
			if strings.Contains(strings.ToLower(r.Text), "inspektorat") || strings.Contains(r.Text, "Sleman") {
				t.Errorf("%q: %s", text, r.Text)
			}
		}
	}
	s, _ = e.Step(s, conversation.StaffStatus{Ticket: number, Status: conversation.Forwarded, By: "desk"}, morning)
	if _, fx := e.Step(s, conversation.StaffQuestion{Ticket: number, Text: "Bolehkah Inspektorat menghubungi Anda?", By: "desk"}, morning); fx.Refused != conversation.RefusedSecret {
		t.Errorf("refused %q: %+v", fx.Refused, fx.Replies)
	}
}

// A second word is of an area's name where it is written as the first is: in
// capitals throughout it tells nothing.
func TestPlacesAreCountedAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string][]string{
		"LAPOR jalan rusak Kec Beji Timur":       {"kec beji timur"},
		"LAPOR jalan rusak kec Beji parah":       {"kec beji"},
		"LAPOR JALAN RUSAK KEC BEJI PARAH":       {"kec beji"},
		"LAPOR jalan rusak, kel. Sukamaju, RT 3": {"kel sukamaju"},
		"LAPOR jalan rusak":                      nil,
	} {
		_, fx := engine(t).Step(conversation.State{}, conversation.SMS{Text: text, NewNumber: conversation.NewNumber(42, 10001)}, morning)
		if len(fx.Sighted) != 1 || !slices.Equal(fx.Sighted[0].Places, want) {
			t.Errorf("%q: %+v, want %v", text, fx.Sighted, want)
		}
	}
}
