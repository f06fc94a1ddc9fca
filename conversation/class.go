package conversation

// class is the set of word lists that hold a word. Of a phrase each word gets
// the class, where the whole phrase stands.
type class uint32

// The word lists. Each is data of a language's file, under words.
const (
	greeting   class = 1 << iota // assalamualaikum, pagi
	polite                       // pak, tolong, dong
	thanks                       // terima kasih
	assent                       // baik, siap
	yes                          // ya
	yesTail                      // "ya BATALKAN"
	no                           // tidak
	noTail                       // "tidak JADI"
	notYet                       // belum
	knows                        // "tidak TAHU"
	pass                         // lewat
	lead                         // "SAYA MAU lapor"
	tail                         // "cek LAPORAN SAYA"
	numberLead                   // NO, NOMOR before a ticket number
	satisfied                    // puas
	markLead                     // NILAI 5
	praise                       // mantap
	counted                      // "1 MINGGU"
	asksInfo                     // INFO makes a question only with one of these
	secret                       // rahasiakan
	danger                       // kebakaran

	filler = greeting | polite | thanks | assent
)

// classNames are the lists as the files name them.
var classNames = map[string]class{
	"greetings": greeting, "politeness": polite, "thanks": thanks, "assent": assent,
	"yes": yes, "yes_tail": yesTail, "no": no, "no_tail": noTail, "not_yet": notYet, "knows": knows, "pass": pass,
	"lead": lead, "tail": tail, "number_lead": numberLead,
	"satisfied": satisfied, "mark_lead": markLead, "praise": praise, "counted": counted,
	"asks_info": asksInfo, "secret": secret, "danger": danger,
}

// is tells whether the token is in any of the lists.
func (t *token) is(c class) bool { return t.class&c != 0 }

// classify looks every word up, phrases too: before anything else is asked of the words.
func (w *Words) classify(ts *tokens) {
	for i := range ts.all {
		t := &ts.all[i]
		t.known = w.lookUp(t.word)
		if t.digits {
			continue
		}
		t.class |= t.known.class
		for k := range t.known.phrases {
			if p := &t.known.phrases[k]; ts.phrase(i, p.words) {
				for j := range p.words {
					ts.all[i+j].class |= p.class
				}
			}
		}
	}
}

// phrase tells whether the words stand at token i.
func (ts *tokens) phrase(i int, words []string) bool {
	if i+len(words) > len(ts.all) {
		return false
	}
	for j, word := range words {
		if ts.all[i+j].word != word {
			return false
		}
	}
	return true
}

// only tells whether all tokens from i on are in one of the lists, digits in none.
func (ts *tokens) only(i int, c class) bool {
	for ; i < len(ts.all); i++ {
		if !ts.all[i].is(c) {
			return false
		}
	}
	return true
}

// has tells whether any token is in one of the lists.
func (ts *tokens) has(c class) bool {
	for i := range ts.all {
		if ts.all[i].is(c) {
			return true
		}
	}
	return false
}
