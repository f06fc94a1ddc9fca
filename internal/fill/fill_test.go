package fill_test

import (
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"aduan/configs/words"
	"aduan/conversation"
	"aduan/internal/fill"
	"aduan/internal/turn"
	"aduan/smpp/gsm7"
	"aduan/smpp/segment"
	"aduan/store"
	"aduan/store/storetest"
)

var engine = sync.OnceValue(func() *conversation.Engine {
	w, err := conversation.LoadWords(gsm7.Len, words.FS)
	if err != nil {
		panic(err)
	}
	e, err := conversation.New(conversation.Options{
		ShortCode: "1708", Language: "id", Location: time.FixedZone("WIB", 7*3600), Words: w,
		Segments: func(text string) int { _, n, _ := segment.Count(text); return n },
	})
	if err != nil {
		panic(err)
	}
	return e
})

// filled opens a store and fills it with so many tickets.
func filled(t testing.TB, n int) (*store.Store, *storetest.Redis, fill.Result) {
	t.Helper()
	s, r := storetest.Open(t, func(o *store.Options) { o.Rested = turn.Rest })
	before := memory(t, r)
	began := time.Now()
	res, err := fill.Run(t.Context(), fill.Options{
		Store: s, Engine: engine(), Words: words.FS, ShortCode: "1708", Link: "main", Tickets: n, Seed: 1, Now: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v in %v: %.0f octets of memory a ticket", res, time.Since(began).Round(time.Second), float64(memory(t, r)-before)/float64(res.Tickets))
	return s, r, res
}

func size() int {
	if n, err := strconv.Atoi(os.Getenv("ADUAN_FILL")); err == nil {
		return n
	}
	return 2000
}

func TestAFilledStore(t *testing.T) {
	_, _, res := filled(t, size())
	_ = res
}
