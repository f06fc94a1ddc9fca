package fill_test

import (
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"aduan/configs/words"
	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/fill"
	"aduan/internal/turn"
	"aduan/internal/turn/turntest"
	"aduan/store"
	"aduan/store/storetest"
)

var engine = sync.OnceValue(func() *conversation.Engine { return turntest.Engine(turntest.WIB) })

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

// What a ticket may cost: a closed one 1 KiB, its citizen's record included.
const closedMost = 1024

func TestAFilledStoreIsSmall(t *testing.T) {
	_, r, res := filled(t, size())
	octets, keys := spent(t, r)
	for kind, n := range octets {
		t.Logf("%s: %d keys, %.0f octets each, %.0f a ticket", kind, keys[kind], float64(n)/float64(keys[kind]), float64(n)/float64(res.Tickets))
	}
	if each := (octets["t"] + octets["c"]) / int64(res.Tickets); each > closedMost {
		t.Errorf("a ticket and its part of the citizen take %d octets, more than %d", each, closedMost)
	}
	if keys["m"] > 0 || int(keys["t"]) != res.Tickets || int(keys["c"]) != res.Citizens {
		t.Errorf("%v keys for %+v", keys, res)
	}
}

func TestWhatWasFilledReadsAsATicketOfTheLine(t *testing.T) {
	s, _, res := filled(t, 300)
	d := turn.NewDesk(turn.New(turn.Options{Store: s, Engine: engine(), ShortCode: "1708", Now: time.Now}))
	seen, sms, characters := 0, 0, 0
	for cursor := ""; ; {
		items, next, err := d.List(t.Context(), desk.ListRequest{Cursor: cursor, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range items {
			seen++
			sms += len(x.Messages)
			characters += len(x.Texts[0].Text)
			if len(x.History) == 0 || x.Citizen.Number == "" || x.Status == "" {
				t.Errorf("%+v", x)
			}
			for _, m := range x.Messages {
				if got, err := d.Message(t.Context(), desk.MessageRequest{ID: m.ID}); err != nil || got.State != m.State || got.Segments == 0 {
					t.Errorf("SMS %s: %+v, %v", m.ID, got, err)
				}
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	if seen != res.Tickets || sms != res.SMS {
		t.Errorf("%d tickets and %d SMS are read, %+v were made", seen, sms, res)
	}
	if mean := characters / seen; mean < 105 || mean > 135 {
		t.Errorf("texts have %d characters on average, not 120", mean)
	}
	open, _, err := s.ListTickets(t.Context(), store.TicketQuery{Open: true}, "", 500)
	if err != nil || len(open) != res.Open {
		t.Errorf("%d open tickets are listed, %d are open: %v", len(open), res.Open, err)
	}
}
