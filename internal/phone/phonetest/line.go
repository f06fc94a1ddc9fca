// Package phonetest is a line in a few lines of Go, for tests of the page that are not about SMPP: it acknowledges and
// answers each SMS while its link is up, and keeps what comes while the link is down.
//
//	phone.Handler ──Send──▶ Line ──▶ answered by Line.Answer, from the number on
//	browser ──POST /v1/tickets/{number}/status──▶ Line.StaffAPI ──▶ SMS to the last telephone
//
// The promise kept here: nothing runs in the background; what is due happens when somebody looks. Start from [New].
package phonetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"aduan/internal/phone"
	"aduan/smpp/segment"
)

// Key is the staff key that StaffAPI knows.
const Key = "aduan_test_key"

// Line is the fake. Its fields may be set before it is used.
type Line struct {
	Answer func(text string) string // default: a ticket number for LAPOR, the text back for others
	Heals  time.Duration            // how long a cut lasts

	mu      sync.Mutex
	cut     time.Time
	last    string
	tickets int
	inbox   map[string][]phone.Received
	waiting []*sent
	// Requests are the Idempotency-Keys that StaffAPI has seen.
	Requests []string
}

// New makes a line that heals in a second.
func New() *Line {
	return &Line{Heals: time.Second, inbox: map[string][]phone.Received{}}
}

type sent struct {
	line         *Line
	number, text string
	progress     phone.Progress
}

type telephone struct {
	line   *Line
	number string
	read   int
}

// Telephone is one of the line's, as phone.Simulator asks.
func (l *Line) Telephone(number string) phone.Telephone { return &telephone{line: l, number: number} }

// CutLinks begins a cut.
func (l *Line) CutLinks() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = time.Now()
	return 1
}

// Sessions is 1 while the link is up.
func (l *Line) Sessions() int {
	if state, _ := l.LinkState(); state == "bound" {
		return 1
	}
	return 0
}

// LinkState is bound, or waiting while cut.
func (l *Line) LinkState() (state, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.up() {
		return "bound", ""
	}
	return "waiting", "connection reset by peer; trying again"
}

func (l *Line) up() bool { return time.Since(l.cut) >= l.Heals }

// Text lets an SMS arrive at a telephone.
func (l *Line) Text(number, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deliver(number, text)
}

func (l *Line) deliver(number, text string) {
	alphabet, segments, _ := segment.Count(text)
	l.inbox[number] = append(l.inbox[number], phone.Received{At: time.Now(), From: "1708", Text: text, Alphabet: alphabet, Segments: segments})
}

// look lets happen what is due. The caller holds mu.
func (l *Line) look() {
	if !l.up() {
		return
	}
	for _, s := range l.waiting {
		s.progress = phone.Acknowledged
		l.deliver(s.number, l.answer(s.text))
	}
	l.waiting = nil
}

func (l *Line) answer(text string) string {
	if l.Answer != nil {
		return l.Answer(text)
	}
	if strings.HasPrefix(strings.ToUpper(text), "LAPOR") {
		l.tickets++
		return fmt.Sprintf("Laporan Anda kami terima, nomor %04d-3769. Di mana lokasinya? Sebutkan jalan, RT/RW, kelurahan.", 4820+l.tickets)
	}
	return text
}

func (t *telephone) Send(_, text string) phone.Sent {
	t.line.mu.Lock()
	defer t.line.mu.Unlock()
	s := &sent{line: t.line, number: t.number, text: text, progress: phone.Waiting}
	t.line.waiting = append(t.line.waiting, s)
	t.line.last = t.number
	return s
}

func (t *telephone) News() []phone.Received {
	t.line.mu.Lock()
	defer t.line.mu.Unlock()
	t.line.look()
	all := t.line.inbox[t.number]
	news := append([]phone.Received{}, all[t.read:]...)
	t.read = len(all)
	return news
}

func (s *sent) Progress() phone.Progress {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	return s.progress
}

// StaffAPI answers POST /v1/tickets/{number}/status as the real one does; the ticket 0000-0000 is unknown.
func (l *Line) StaffAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/tickets/{number}/status", func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Status, Note string }
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&body)
		number := r.PathValue("number")
		l.mu.Lock()
		defer l.mu.Unlock()
		l.Requests = append(l.Requests, r.Header.Get("Idempotency-Key"))
		status, out := http.StatusAccepted, map[string]any{"ticket": number, "status": body.Status, "messages": []string{"01J0"}, "refused": nil}
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Header.Get("Authorization") != "Bearer "+Key:
			status, out = http.StatusUnauthorized, map[string]any{"title": "No or unknown key", "code": "unauthorized"}
		case number == "0000-0000":
			status, out = http.StatusNotFound, map[string]any{"title": "Unknown ticket", "detail": "There is no such ticket.", "code": "not_found"}
		case err != nil:
			status, out = http.StatusUnprocessableEntity, map[string]any{"title": "Invalid", "code": "invalid"}
		default:
			l.deliver(l.last, fmt.Sprintf("Laporan %s: sedang ditangani. %s", number, body.Note))
		}
		if status != http.StatusAccepted {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out)
	})
	return mux
}
