package conversation

import (
	"errors"
	"fmt"
	"time"
)

// Options configure an Engine. Only Words is required.
type Options struct {
	ShortCode string // our own address
	Language  string // of a citizen of whom nothing is known; default: the first loaded
	// Location is the time zone of dates and days; default UTC.
	Location     *time.Location
	Continuation time.Duration // plain text within it is added to the ticket; default 30 min
	FloodCount   int           // more SMS than this within FloodPer are a flood; default 10
	FloodPer     time.Duration // default 10 min
	Cap          int           // answers to one number a day; default 100
	Limits       Limits        // what the line promises
	Words        *Words
	// Segments tells how many SMS segments a text takes; default: by Words'
	// measure of the GSM alphabet.
	Segments func(text string) int
}

// Engine is the conversation's rules with their words. It is never changed
// and may be used by many goroutines.
type Engine struct {
	o Options
	w *Words
}

// Words are the data that the engine speaks with.
func (e *Engine) Words() *Words { return e.w }

// Options are what the engine was made of, with the defaults filled in.
func (e *Engine) Options() Options { return e.o }

// Times that the rules name.
const (
	detailTime  = 24 * time.Hour // for the answer to a question of ours
	confirmTime = time.Hour
	eraseTime   = 24 * time.Hour
	addTime     = 30 * 24 * time.Hour // TAMBAH without a number adds to a younger ticket only
	unreadTime  = 24 * time.Hour      // between answers to unreadable content
)

// New returns an engine.
func New(o Options) (*Engine, error) {
	if o.Words == nil {
		return nil, errors.New("conversation: no words: give Options.Words what LoadWords returns")
	}
	if o.Language == "" {
		o.Language = o.Words.languages[0]
	}
	if _, ok := o.Words.catalogues[o.Language]; !ok {
		return nil, fmt.Errorf("conversation: language %q: no catalogue of it is loaded; choose one of %v", o.Language, o.Words.languages)
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Continuation <= 0 {
		o.Continuation = 30 * time.Minute
	}
	if o.FloodCount <= 0 {
		o.FloodCount = 10
	}
	if o.FloodPer <= 0 {
		o.FloodPer = 10 * time.Minute
	}
	if o.Cap <= 0 {
		o.Cap = 100
	}
	o.Limits = o.Limits.orDefaults()
	if o.Segments == nil {
		o.Segments = o.Words.segments
	}
	return &Engine{o: o, w: o.Words}, nil
}
