package conversation_test

import (
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"aduan/configs/words"
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
