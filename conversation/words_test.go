package conversation_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.yaml.in/yaml/v3"

	"aduan/configs/words"
	"aduan/conversation"
	"aduan/smpp/gsm7"
	"aduan/smpp/segment"
)

var builtin = sync.OnceValues(func() (*conversation.Words, error) {
	return conversation.LoadWords(gsm7.Len, words.FS)
})

func shipped(t testing.TB) *conversation.Words {
	t.Helper()
	w, err := builtin()
	if err != nil {
		t.Fatalf("the built-in words:\n%v", err)
	}
	return w
}

func engine(t testing.TB) *conversation.Engine {
	t.Helper()
	jakarta := time.FixedZone("WIB", 7*3600)
	e, err := conversation.New(conversation.Options{
		ShortCode: "1708", Language: "id", Location: jakarta, Words: shipped(t), Segments: segments,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func segments(text string) int {
	_, n, _ := segment.Count(text)
	return n
}

func TestBuiltInWordsAreSound(t *testing.T) { shipped(t) }

// Each bad file is laid over the built-in words; beside it stands what must be said.
func TestBadWordsAreToldWithTheirPlace(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no bad files", err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(f, "yaml") + "txt")
			if err != nil {
				t.Fatal(err)
			}
			_, err = conversation.LoadWords(gsm7.Len, words.FS, fstest.MapFS{filepath.Base(f): {Data: data}})
			if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(string(want))) {
				t.Errorf("got:\n%v\nwant:\n%s", err, want)
			}
		})
	}
}

func TestAllProblemsComeAtOnce(t *testing.T) {
	bad := "language: id\nmessages:\n  how: \"→\"\n  thanks: \"→\"\n  nobody: x\n"
	_, err := conversation.LoadWords(gsm7.Len, words.FS, fstest.MapFS{"x.yaml": {Data: []byte(bad)}})
	if err == nil || strings.Count(err.Error(), "x.yaml:") != 6 {
		t.Errorf("got:\n%v", err)
	}
	var p *conversation.Problem
	if !errors.As(err, &p) || p.File != "x.yaml" || p.Line == 0 || p.What == "" || p.Do == "" {
		t.Errorf("no Problem in %v", err)
	}
}

// A reply never tells a command without marking it: what is marked was parsed
// when the words were loaded.
func TestNoReplyTellsACommandUnmarked(t *testing.T) {
	w := shipped(t)
	for _, name := range []string{"id.yaml", "en.yaml"} {
		data, err := words.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Messages map[string]string }
		if err := yaml.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		for key, text := range file.Messages {
			bare := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, "")
			for _, word := range regexp.MustCompile(`\b[A-Z]{3,}\b`).FindAllString(bare, -1) {
				if w.Understands(word) {
					t.Errorf("%s: %s: %s is a command, write <%s>", name, key, word, word)
				}
			}
		}
	}
}

func TestAnOverlayReplacesTextsAndAddsWords(t *testing.T) {
	over := fstest.MapFS{
		"id.yaml":  {Data: []byte("language: id\nmessages:\n  how: \"Tulis saja. Bantuan: <TULUNGI>\"\nwords:\n  politeness: [juragan]\ncommands:\n  help: [tulungi, \"-menu\"]\n")},
		"q.yaml":   {Data: []byte("questions:\n  product: {kinds: [complaint], categories: [food_drug]}\n")},
		"ask.yaml": {Data: []byte("language: id\nmessages:\n  ask_product: \"Apa nama produknya dan nomor izin edarnya?\"\n")},
		"en.yaml":  {Data: []byte("language: en\nmessages:\n  ask_product: \"Which product, which registration number?\"\n")},
	}
	w, err := conversation.LoadWords(gsm7.Len, words.FS, over)
	if err != nil {
		t.Fatal(err)
	}
	e, err := conversation.New(conversation.Options{Language: "id", Words: w})
	if err != nil {
		t.Fatal(err)
	}
	say := func(s conversation.State, text string) (conversation.State, string) {
		s, fx := e.Step(s, conversation.SMS{Text: text, NewNumber: conversation.NewNumber(42, 10001)}, morning)
		return s, fx.Replies[0].Text
	}
	if _, got := say(conversation.State{}, "juragan"); got != "Tulis saja. Bantuan: TULUNGI" {
		t.Errorf("got %s", got)
	}
	if _, got := say(conversation.State{}, "tulungi juragan"); !strings.Contains(got, "LAPOR") {
		t.Errorf("got %s", got)
	}
	s, _ := say(conversation.State{}, "menu")
	if asks, _ := s.Asks(); asks != "location" {
		t.Errorf("MENU was taken away, but asks %s", asks)
	}
	s, _ = say(conversation.State{}, "LAPOR obat palsu di apotek RT 3")
	if asks, _ := s.Asks(); asks != "product" {
		t.Errorf("asks %s, want product", asks)
	}
}

// A third language is one file.
func TestAThirdLanguageIsOneFile(t *testing.T) {
	w, err := conversation.LoadWords(gsm7.Len, words.FS, os.DirFS("../configs/languages"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := conversation.New(conversation.Options{Language: "id", Words: w})
	if err != nil {
		t.Fatal(err)
	}
	s, fx := e.Step(conversation.State{}, conversation.SMS{Text: "BAHASA JAWA"}, morning)
	if s.Language != "jv" || fx.Replies[0].Language != "jv" {
		t.Errorf("language %q, %+v", s.Language, fx.Replies)
	}
	_, fx = e.Step(s, conversation.SMS{Text: "lapur dalane rusak", NewNumber: conversation.NewNumber(42, 10001)}, morning)
	if got := outcome(fx); got != "complaint" || fx.Tickets[0].Language != "jv" {
		t.Errorf("%s %+v", got, fx.Tickets)
	}
}

func TestCategories(t *testing.T) {
	w := shipped(t)
	for text, want := range map[string]string{
		"jalan rusak parah":                            "road",
		"lampu jalan mati":                             "street_light",
		"sampah tidak diangkut":                        "waste",
		"air PDAM keruh":                               "water",
		"banjir selutut":                               "flood",
		"listrik padam tiap malam":                     "power",
		"KTP belum jadi":                               "identity",
		"antri di puskesmas lama, dokternya tidak ada": "health",
		"bansos dipotong":                              "social_aid",
		"pungli di samsat":                             "extortion",
		"guru sering bolos":                            "school",
		"obat palsu dijual bebas":                      "food_drug",
		"angkot ugal ugalan di terminal":               "transport",
		"motor dicuri maling":                          "crime",
		"gaji belum dibayar 3 bulan":                   "labour",
		"sinyal hilang, internet mati":                 "telecom",
		"sertifikat tanah tidak jadi":                  "land",
		"limbah dibuang ke sungai":                     "environment",
		"pupuk langka, harga naik":                     "economy",
		"tetangga piara buaya":                         "",
		"orang itu jahat sekali":                       "",
	} {
		if got, _ := w.Guess(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if len(w.Agencies("food_drug")) == 0 {
		t.Error("food_drug has no likely agency")
	}
}

// What the help texts tell is parsed back to what they tell it for.
func TestCommandsThatTextsTellAreParsedBack(t *testing.T) {
	w, err := conversation.LoadWords(gsm7.Len, words.FS, os.DirFS("../configs/languages"))
	if err != nil {
		t.Fatal(err)
	}
	for told, want := range map[string]string{
		"CEK": "status", "CHECK": "status", "CEK {ticket}": "status", "LAPOR ...": "report", "LAPOR": "report", "REPORT ...": "report",
		"RAHASIA ...": "secret", "SECRET ...": "secret", "SARAN ...": "suggest", "SUGGEST ...": "suggest", "TANYA ...": "ask", "ASK ...": "ask",
		"TAMBAH ...": "add", "TAMBAH {ticket} ...": "add", "ADD {ticket} ...": "add", "BATAL": "cancel", "CANCEL {ticket}": "cancel",
		"BAHASA EN": "language", "LANG ID": "language", "BAHASA JAWA": "language", "STOP": "stop", "MULAI": "start", "START": "start",
		"HAPUS DATA": "erase", "ERASE": "erase", "BANTUAN": "help", "HELP": "help", "PITULUNGAN": "help",
		"LAPOR jalan rusak di Jl Melati RT 3": "report", "jalan rusak": "",
	} {
		if got := w.Command(told); got != want {
			t.Errorf("<%s>: command %q, want %q", told, got, want)
		}
	}
}

// A language that the GSM alphabet cannot write says so, and has less room.
func TestALanguageOfAnotherAlphabetSaysSo(t *testing.T) {
	over := func(head string) error {
		_, err := conversation.LoadWords(gsm7.Len, words.FS, fstest.MapFS{"id.yaml": {Data: []byte("language: id\n" + head + "messages:\n  not_erased: \"Дані не стерто.\"\n")}})
		return err
	}
	if err := over(""); err == nil || !strings.Contains(err.Error(), "costs the GSM alphabet") {
		t.Errorf("undeclared: %v", err)
	}
	err := over("alphabet: unicode\nsegments: {all: 3}\n")
	if err == nil || strings.Contains(err.Error(), "costs the GSM alphabet") || !strings.Contains(err.Error(), "more than one SMS of 70") {
		t.Errorf("declared: %v", err)
	}
}

// The language is that of the first message; a short one tells nothing.
func TestTheLanguageOfTheFirstMessage(t *testing.T) {
	w, err := conversation.LoadWords(gsm7.Len, words.FS, os.DirFS("../configs/languages"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := conversation.New(conversation.Options{Language: "id", Words: w})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"The road in front of our school is broken":                          "en",
		"There has been no water since Monday, please help":                  "en",
		"Jalan di depan sekolah rusak, tolong diperbaiki":                    "id",
		"sampah sdh 2 minggu tdk diangkut yg di pasar":                       "id",
		"dalane ning desa kulo sampun rusak, mboten wonten ingkang ndandosi": "jv",
		"HELP": "",
	} {
		s, fx := e.Step(conversation.State{}, conversation.SMS{Text: text, NewNumber: conversation.NewNumber(42, 10001)}, morning)
		if s.Language != want {
			t.Errorf("%q: language %q, want %q", text, s.Language, want)
		}
		if want != "" && fx.Replies[0].Language != want {
			t.Errorf("%q: answered in %q", text, fx.Replies[0].Language)
		}
		if want != "" { // a wrong guess is cheap
			if s, fx = e.Step(s, conversation.SMS{Text: "BAHASA EN"}, morning.Add(time.Minute)); s.Language != "en" || fx.Replies[0].Language != "en" {
				t.Errorf("%q, then BAHASA EN: %q", text, s.Language)
			}
		}
	}
}
