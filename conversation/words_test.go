package conversation_test

import (
	"sync"
	"testing"
	"time"

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
