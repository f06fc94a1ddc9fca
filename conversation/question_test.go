package conversation_test

import (
	"testing"
	"testing/fstest"
	"time"

	"aduan/configs/words"
	"aduan/conversation"
	"aduan/smpp/gsm7"
)

// asker is an engine with questions of its own.
func asker(t *testing.T, questions string) *conversation.Engine {
	t.Helper()
	texts := "messages:\n  ask_product: \"Produk apa?\"\n  ask_registration: \"Nomor izin edar?\"\n"
	w, err := conversation.LoadWords(gsm7.Len, words.FS, fstest.MapFS{
		"q.yaml":  {Data: []byte(questions)},
		"id.yaml": {Data: []byte("language: id\n" + texts)},
		"en.yaml": {Data: []byte("language: en\n" + texts)},
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := conversation.New(conversation.Options{Language: "id", Words: w})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const productQuestions = `
questions:
  product: {kinds: [complaint], categories: [food_drug], unless: ["merk +"]}
  registration: {kinds: [complaint], categories: [food_drug], unless: ["reg #"], passes: [tidak ada, hilang]}
`

func TestQuestionsFollowAsConfigured(t *testing.T) {
	for _, c := range []struct {
		name, questions string
		texts, asks     []string // after each text, what is asked
	}{
		{
			"by category, in the order named, the place last", productQuestions + "order: [product, registration, location, institution]\n",
			[]string{"obat palsu dijual bebas", "Amoksil", "NA 1234", "Jl Melati RT 3"},
			[]string{"product", "registration", "location", "none"},
		},
		{
			"of another category only what is asked of all", productQuestions + "order: [product, registration, location, institution]\n",
			[]string{"jalan rusak parah", "RT 3"},
			[]string{"location", "none"},
		},
		{
			"as they stand where no order is given: the shipped ones first", productQuestions,
			[]string{"obat palsu dijual bebas", "RT 3 Pleret", "Amoksil"},
			[]string{"location", "product", "registration"},
		},
		{
			"what is not in the order is not asked", productQuestions + "order: [registration]\n",
			[]string{"obat palsu dijual bebas", "tidak tahu"},
			[]string{"registration", "none"},
		},
		{
			"so many at most", productQuestions + "order: [product, registration, location]\nmost: 2\n",
			[]string{"obat palsu dijual bebas", "lewat", "lewat"},
			[]string{"product", "registration", "none"},
		},
		{
			"words of its own pass a question", productQuestions + "order: [registration, location]\n",
			[]string{"obat palsu dijual bebas", "tidak ada pak"},
			[]string{"registration", "location"},
		},
		{
			"… and only that one", productQuestions + "order: [product, location]\n",
			[]string{"obat palsu dijual bebas", "hilang"},
			[]string{"product", "location"},
		},
		{
			"what the text says already is not asked", productQuestions + "order: [product, registration, location]\n",
			[]string{"krim palsu merk Glowing reg 123 di RT 3"},
			[]string{"none"},
		},
		{
			"what an answer says is not asked after it", productQuestions + "order: [product, registration, location]\n",
			[]string{"obat palsu dijual bebas", "Amoksil reg 123, Jl Melati RT 3"},
			[]string{"product", "none"},
		},
		{
			"what the first text says is not asked after an answer", productQuestions + "order: [product, location]\n",
			[]string{"obat palsu dijual di RT 3", "Amoksil"},
			[]string{"product", "none"},
		},
		{
			"of a confidential complaint nothing that tells its category", productQuestions + "order: [product, registration, location]\n",
			[]string{"RAHASIA obat palsu dijual bebas"},
			[]string{"location"},
		},
		{
			"of a suggestion nothing", productQuestions,
			[]string{"SARAN obat generik diperbanyak"},
			[]string{"none"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := asker(t, c.questions)
			var s conversation.State
			for i, text := range c.texts {
				s, _ = e.Step(s, conversation.SMS{Text: text, NewNumber: conversation.NewNumber(42, uint64(10001+i))}, morning)
				data, err := conversation.EncodeState(s)
				if err != nil {
					t.Fatal(err)
				}
				if s, err = conversation.DecodeState(data); err != nil {
					t.Fatal(err)
				}
				if asks, _ := s.Asks(); asks != c.asks[i] {
					t.Fatalf("after %q: asks %s, want %s", text, asks, c.asks[i])
				}
			}
		})
	}
}

// A question that stands since a release that noted no plan is followed by
// what the files ask after it.
func TestAQuestionWithoutAPlanIsFollowedAllTheSame(t *testing.T) {
	for _, c := range []struct {
		name, questions, text, standing, answer, asks string
	}{
		{"the next", productQuestions + "order: [product, registration, location]\n", "obat palsu dijual bebas", "product", "Amoksil", "registration"},
		{"… also after one that is passed", productQuestions + "order: [product, registration, location]\n", "obat palsu dijual bebas", "product", "lewat", "registration"},
		{"… but not what the answer says", productQuestions + "order: [product, registration, location]\n", "obat palsu dijual bebas", "product", "Amoksil reg 123", "location"},
		{"after the last nothing", productQuestions + "order: [product, location]\n", "obat palsu dijual bebas", "location", "RT 3", "none"},
		{"not more than are asked at most", productQuestions + "order: [product, registration, location]\nmost: 2\n", "obat palsu dijual bebas", "registration", "NA 12", "none"},
		{"nothing of another category", productQuestions + "order: [location, product]\n", "jalan rusak parah", "location", "RT 3", "none"},
		{"one that is asked no more is followed by nothing", productQuestions + "order: [location]\n", "obat palsu dijual bebas", "product", "Amoksil", "none"},
		{"the shipped ones", productQuestions, "mereka mengecewakan kami semua", "location", "RT 3", "institution"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := asker(t, c.questions)
			number := conversation.NewNumber(42, 10001)
			s, _ := e.Step(conversation.State{}, conversation.SMS{Text: c.text, NewNumber: number}, morning)
			s.Questions = []conversation.Question{{Ask: conversation.AskDetail, Name: c.standing, Ticket: number, Until: morning.Add(time.Hour)}}
			data, err := conversation.EncodeState(s)
			if err != nil {
				t.Fatal(err)
			}
			if s, err = conversation.DecodeState(data); err != nil {
				t.Fatal(err)
			}
			s, _ = e.Step(s, conversation.SMS{Text: c.answer, NewNumber: conversation.NewNumber(42, 10002)}, morning)
			if asks, _ := s.Asks(); asks != c.asks {
				t.Errorf("asks %s, want %s", asks, c.asks)
			}
		})
	}
}
