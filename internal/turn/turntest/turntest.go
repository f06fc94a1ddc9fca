// Package turntest is what the tests of all who make turns set up alike: the line's own words, and an outbox that leaves
// everything in the store.
//
// Begin with [Engine].
package turntest

import (
	"context"
	"time"

	"aduan/configs/words"
	"aduan/conversation"
	"aduan/smpp/gsm7"
	"aduan/smpp/segment"
	"aduan/store"
)

// WIB is the time of Jakarta.
var WIB = time.FixedZone("WIB", 7*3600)

// Engine is the conversation of 1708 in Indonesian, with the words that are built in. They take a moment to load: a package's
// tests share one.
func Engine(loc *time.Location) *conversation.Engine {
	w, err := conversation.LoadWords(gsm7.Len, words.FS)
	if err != nil {
		panic(err)
	}
	e, err := conversation.New(conversation.Options{
		ShortCode: "1708", Language: "id", Location: loc, Words: w,
		Segments: func(text string) int { _, n, _ := segment.Count(text); return n },
	})
	if err != nil {
		panic(err)
	}
	return e
}

// NoOutbox leaves all SMS in the store.
type NoOutbox struct{}

// Reserve refuses.
func (NoOutbox) Reserve(context.Context, string, store.Class) bool { return false }

// Unreserve has nothing to give back.
func (NoOutbox) Unreserve(string) {}

// Send is never called: nothing was reserved.
func (NoOutbox) Send([]store.Outgoing) {}

// Doubt leaves what is doubtful to whoever claims it.
func (NoOutbox) Doubt(int, []string) {}
