package fill

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// speech is what citizens and officers say.
type speech struct{ topics [][]string }

// readSpeech takes the citizens' sentences from the line's examples.
func readSpeech(words fs.FS) (*speech, error) {
	b, err := fs.ReadFile(words, "examples.yaml")
	if err != nil {
		return nil, err
	}
	var file struct {
		Examples map[string][]string `yaml:"examples"`
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("examples.yaml: %w", err)
	}
	s := &speech{}
	names := make([]string, 0, len(file.Examples))
	for name := range file.Examples {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if len(file.Examples[name]) > 0 {
			s.topics = append(s.topics, file.Examples[name])
		}
	}
	if len(s.topics) == 0 {
		return nil, fmt.Errorf("examples.yaml has no examples")
	}
	return s, nil
}

func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

var (
	streets = []string{"Jl. Merdeka", "Jl. Diponegoro", "Jl. Ahmad Yani", "Gang Melati", "Jl. Pahlawan", "Dusun Krajan", "Jl. Veteran", "Kampung Baru", "Perum Griya Asri", "Jl. Sudirman"}
	places  = []string{"Sukamaju", "Mekarsari", "Karangrejo", "Tanjung", "Banyumanik", "Cibinong", "Pasar Minggu", "Wonosari", "Sidomulyo", "Kebon Jeruk", "Tegalrejo", "Rawamangun"}
	cities  = []string{"Semarang", "Bandung", "Surabaya", "Makassar", "Medan", "Palembang", "Kupang", "Banjarmasin", "Sleman", "Bekasi", "Padang", "Manado"}
	notes   = []string{
		"Tim kami sudah meninjau lokasi dan menjadwalkan perbaikan minggu depan.",
		"Laporan diteruskan kepada petugas lapangan, mohon menunggu.",
		"Perbaikan sudah dikerjakan, silakan dicek kembali oleh warga.",
		"Petugas sudah berkoordinasi dengan kelurahan setempat.",
		"Anggaran untuk pekerjaan ini masuk rencana tahun depan.",
		"Sampah sudah diangkut, jadwal pengangkutan ditambah dua kali seminggu.",
		"Jaringan sudah pulih sejak tadi malam. Terima kasih atas laporannya.",
		"Data Bapak/Ibu sudah diperbarui, bantuan cair bulan berikutnya.",
		"Kami sudah menegur pihak terkait dan akan terus memantau.",
		"Berkas sudah selesai, silakan diambil di loket pelayanan.",
	}
)

// complaint is a text of about so many characters.
func (s *speech) complaint(rng *rand.Rand, length int) string {
	topic := pick(rng, s.topics)
	text := pick(rng, topic)
	for len(text) < length-15 {
		text += pick(rng, []string{". ", ", ", " dan ", ". Juga "}) + pick(rng, topic)
		if len(text) > length+60 {
			break
		}
	}
	if len(text) < length {
		text += " di " + s.place(rng)
	}
	if cut := length + 12; len(text) > cut {
		if i := strings.LastIndexByte(text[:cut], ' '); i > 20 {
			text = text[:i]
		}
	}
	return text
}

func (s *speech) place(rng *rand.Rand) string {
	return fmt.Sprintf("%s RT %d/RW %d %s", pick(rng, streets), 1+rng.IntN(12), 1+rng.IntN(9), pick(rng, places))
}

// agency is one of 654.
func agency(rng *rand.Rand) string {
	kinds := []string{"Dinas Pekerjaan Umum", "Dinas Perhubungan", "Dinas Kesehatan", "Dinas Pendidikan", "Dinas Sosial", "PDAM", "Dinas Lingkungan Hidup", "Disdukcapil"}
	n := int(654 * rng.Float64() * rng.Float64()) // some get many
	return fmt.Sprintf("%s %s %d", kinds[n%len(kinds)], cities[n/8%len(cities)], n/96+1)
}
