//go:build browser

package browsertest

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"aduan/conversation"
	"aduan/internal/console/consoletest"
	"aduan/internal/desk"
	"aduan/internal/sender"
	"aduan/internal/tally"
	"aduan/internal/vitals"
	"aduan/smpp/receipt"
	"aduan/store"
)

// evil is what a page must show as text, wherever it comes from.
const evil = `<img src=x onerror="window.pwned=1"></p></script><script>window.pwned=1</script> ` + "\u202e\u200b\x07 {{.}}"

// The tickets of the office that have a page of their own in the tests.
var (
	lamp   = conversation.NewNumber(7, 10005).String()
	school = conversation.NewNumber(7, 10004).String()
	road   = conversation.NewNumber(7, 10001).String()
)

// office serves a console with an office's day in it; with evil words everywhere where wicked.
func office(t *testing.T, wicked bool) (o *consoletest.Office, url, secret string) {
	t.Helper()
	o = consoletest.New()
	word := func(s string) string {
		if wicked {
			return s + " " + evil
		}
		return s
	}
	at := o.Clock
	o.Entries = []desk.Agency{
		{Name: word("Dinas PUPR"), Parent: word("Kota Depok"), Known: true, Officers: []desk.Officer{{Name: word("Sri Wahyuni"), Email: "sri@depok.example", Role: word("petugas penghubung")}}},
		{Name: "Dinas Lingkungan Hidup", Known: true},
		{Name: "Dinas Perhubungan", Known: true},
	}
	o.File(desk.TicketView{Texts: []desk.TextView{{Text: word("Jalan berlubang di Jl Kenanga RT 3, dua motor sudah jatuh")}}, Category: "road", Likely: o.Entries[0].Name, Link: word("main")})
	o.File(desk.TicketView{Texts: []desk.TextView{{Text: word("Sampah di TPS sebelah pasar belum diangkut seminggu"), Missing: true}}, Category: "waste", Likely: "Dinas Lingkungan Hidup", Incomplete: true})
	o.File(desk.TicketView{Texts: []desk.TextView{{Text: word("Kebakaran di belakang Pasar Senen, ada warga terjebak")}}, Urgent: true})
	o.File(desk.TicketView{
		Texts: []desk.TextView{{Text: word("Kepala sekolah minta uang untuk ijazah")}}, Confidential: true, Citizen: desk.CitizenView{Alias: word("A-7F3K")},
		Category: "extortion", Agency: o.Entries[0].Name, Status: "in_progress", FiledAt: at.Add(-8 * 24 * time.Hour),
	})
	rating := 4
	o.File(desk.TicketView{
		Texts:  []desk.TextView{{Text: word("Lampu jalan di Gang Mawar mati sejak Senin\ngelap sekali"), At: at.Add(-50 * time.Hour)}},
		Status: "resolved", Agency: "Dinas Perhubungan", Category: word("street_light"), FiledAt: at.Add(-50 * time.Hour), ExternalID: word("SPN-2026/4711"), Rating: &rating, Link: "main",
		Answers: []desk.AnswerView{{Question: "location", Text: word("RT 5 RW 2 Sukamaju"), At: at.Add(-49 * time.Hour)}},
		History: []desk.ChangeView{
			{At: at.Add(-50 * time.Hour), By: "citizen", To: "filed", What: "status"},
			{At: at.Add(-40 * time.Hour), By: word("meja"), From: "filed", To: "verified", What: "status"},
			{At: at.Add(-39 * time.Hour), By: word("meja"), Note: word("Di dekat tiang nomor berapa?"), What: "question"},
			{At: at.Add(-5 * time.Hour), By: word("Dinas Perhubungan"), From: "verified", To: "resolved", Note: word("Lampu sudah diganti."), What: "status"},
		},
		Messages: []desk.MessageView{
			{ID: "A07", State: "delivered", Segments: 1, Alphabet: "gsm7", Link: word("main"), Text: word("Laporan 4821-3769 terverifikasi."), Times: map[string]time.Time{"queued": at.Add(-40 * time.Hour), "sent": at.Add(-40*time.Hour + time.Second), "delivered": at.Add(-40*time.Hour + 4*time.Second)}},
			{ID: "B07", State: "undeliverable", Segments: 2, Alphabet: "ucs2", Link: "main", Error: word("ESME_RINVDSTADR: the operator knows no such number"), Text: "Lampu sudah diganti.", Times: map[string]time.Time{"queued": at.Add(-5 * time.Hour), "undeliverable": at.Add(-5*time.Hour + time.Second)}},
		},
	})
	o.Letters = []desk.DeadLetter{
		{ID: "01DEADSMS07", Kind: desk.LetterSMS, Ticket: lamp, At: at.Add(-2 * time.Hour), Error: word("ESME_RSYSERR: the operator's system failed"), Tries: 5, Waiting: 1},
		{ID: "01DEADEVENT07", Kind: desk.LetterEvent, Type: word("complaint.filed"), At: at.Add(-time.Hour), Error: "the case system answered 500", Tries: 40, Waiting: 3, Next: at.Add(time.Hour)},
	}
	surge, err := json.Marshal(tally.Told{Category: "food_drug", Place: word("kec beji"), Count: 31, Usual: 0.4})
	if err != nil {
		t.Fatal(err)
	}
	o.Surges = []store.Event{{Type: tally.EventSurge, At: at.Add(-20 * time.Minute), Data: surge}}
	o.Trail = []desk.AuditView{
		{At: at.Add(-time.Minute), Action: "reveal", Key: "key000000000", By: word("meja pengaduan"), From: "192.0.2.7", Ticket: lamp, Chain: "07", Record: 12},
		{At: at.Add(-time.Hour), Action: "assign", Key: "key000000000", By: "meja pengaduan", From: "192.0.2.7", Ticket: road, Ref: word("Dinas PUPR"), Chain: "07", Record: 11},
		{At: at.Add(-2 * time.Hour), Action: "sms.delivered", Ticket: lamp, Chain: "07"},
	}
	o.Queue = store.Stats{Queued: 12, Oldest: at.Add(-90 * time.Second), Dead: 1, Handoffs: 3}
	o.Daemons["01BOOT"] = daemon(at, word)
	secret = o.Key(word("meja pengaduan"), "", store.Scopes...)
	done := make(chan struct{})
	h, err := o.Handler(done)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(func() {
		close(done)
		srv.Close()
	})
	return o, srv.URL, secret
}

// daemon is one with a link that goes and one that is refused.
func daemon(at time.Time, word func(string) string) vitals.Daemon {
	clock := 420
	pulse := vitals.Pulse{Responses: vitals.Times{Count: 480, P50: 21.4, P90: 48, P99: 131}, Answers: vitals.Times{Count: 120, P50: 3.1, P90: 7.2, P99: 12}}
	for i := range 60 {
		pulse.Window = append(pulse.Window, (i*7)%43)
		pulse.Sent = append(pulse.Sent, 6+(i*5)%9)
		pulse.Received = append(pulse.Received, (i*3)%5)
	}
	return vitals.Daemon{
		Version: word("1.4.0"), Host: word("line-1"), PID: 4711, Since: at.Add(-26 * time.Hour), Promise: word("What is acknowledged is on the store's disk."),
		Memory: map[string]int{"telkom": 4},
		Links: []vitals.Link{
			{
				Name: "telkom", State: "bound", Since: at.Add(-3 * time.Hour), Window: vitals.Window{Used: 17, Size: 50}, Rate: vitals.Rate{Given: 40, Learnt: 22.5},
				Sessions: []vitals.Session{{ID: "s", Bind: "bind_transceiver", State: word("BOUND_TRX"), Since: at.Add(-3 * time.Hour), InHand: 1, Outstanding: 17}},
				Receipts: sender.Learnt{IDs: receipt.HexDecimal, Form: "text", Clock: &clock, Receipts: 8123}, Pulse: pulse,
				History: []vitals.Change{{At: at.Add(-26 * time.Hour), State: "connecting"}, {At: at.Add(-4 * time.Hour), State: "waiting", Reason: word("connection reset by peer")}, {At: at.Add(-3 * time.Hour), State: "bound"}},
			},
			{
				Name: "xl", State: "refused", Reason: word("ESME_RINVPASWD: the operator refuses the password"), Since: at.Add(-10 * time.Minute), Window: vitals.Window{Size: 20},
				History: []vitals.Change{{At: at.Add(-10 * time.Minute), State: "refused", Reason: "ESME_RINVPASWD: the operator refuses the password"}},
			},
		},
	}
}

// consolePages are all that have a look of their own.
var consolePages = []struct{ name, path string }{
	{"desk", "/desk"},
	{"tickets", "/tickets?status=all"},
	{"overdue", "/overdue"},
	{"ticket", "/tickets/" + lamp},
	{"secret", "/tickets/" + school},
	{"surge", "/surge"},
	{"agencies", "/agencies"},
	{"agency", "/agencies/Dinas%20Lingkungan%20Hidup"},
	{"audit", "/audit"},
	{"dead", "/dead"},
	{"links", "/links"},
	{"me", "/me"},
	{"nothing", "/tickets/0000-0000"},
}

// visit opens a page and waits until it is whole.
func (b *tab) visit(url string) {
	b.t.Helper()
	b.do("open "+url, chromedp.Navigate(url))
	b.wait("open "+url, `document.readyState === 'complete' && document.querySelector('h1')`)
}

// press clicks an element that is there to be clicked.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.wait("to press "+selector, fmt.Sprintf(`document.querySelector(%q)?.checkVisibility()`, selector))
	b.do("press "+selector, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).click()`, selector)))
}

// fill types into a field, instead of what stands there.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.wait("to fill "+selector, fmt.Sprintf(`document.querySelector(%q)?.checkVisibility()`, selector))
	b.do("fill "+selector, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{const f = document.querySelector(%q); f.focus(); f.select?.()}`, selector)), chromedp.KeyEvent(text))
}

// leave does what leads to another page, and waits until that is there.
func (b *tab) leave(what string, do func()) {
	b.t.Helper()
	b.do(what, chromedp.Evaluate[chromedp.Void](`window.before = true`))
	do()
	b.wait(what+": the next page", `!window.before && document.readyState === 'complete' && document.querySelector('h1')`)
}

// enter signs in by key.
func (b *tab) enter(url, secret string) {
	b.t.Helper()
	b.visit(url + "/")
	b.leave("sign in", func() { b.fill("#key", secret+"\r") })
	b.wait("signed in", `location.pathname === '/desk' && document.querySelector('nav.side')`)
}

// choose sets a language or theme as a visitor does.
func (b *tab) choose(name, value string) {
	b.t.Helper()
	b.press("details.menu summary")
	b.leave("display", func() { b.press(`button[name="` + name + `"][value="` + value + `"]`) })
	b.wait(name+" "+value, fmt.Sprintf(`document.documentElement.%s === %q`, map[string]string{"lang": "lang", "theme": "dataset.theme"}[name], value))
}

func axeFinds(t *testing.T, b *tab) {
	t.Helper()
	b.do("axe", chromedp.Evaluate[chromedp.Void](axeScript(t)))
	found := eval[string](b, `axe.run(document).then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html.slice(0, 160) + ' ' + n.failureSummary)}))))`, chromedp.EvalAwaitPromise)
	if found != "[]" {
		var pretty any
		_ = json.Unmarshal([]byte(found), &pretty)
		out, _ := json.MarshalIndent(pretty, "", " ")
		t.Errorf("axe: %s", out)
	}
}

func TestBrowserConsoleFitsAndIsAccessible(t *testing.T) {
	_, url, secret := office(t, false)
	b := open(t)
	b.forgive("404")
	b.visit(url + "/")
	axeFinds(t, b)
	b.enter(url, secret)
	for i, scheme := range []string{"light", "dark"} {
		b.choose("lang", []string{"id", "en"}[i])
		for _, p := range consolePages {
			for _, width := range []int64{320, 1280} {
				t.Run(fmt.Sprintf("%s %d px %s", p.name, width, scheme), func(t *testing.T) {
					b.look(width, 900, scheme)
					b.visit(url + p.path)
					if eval[bool](b, `document.documentElement.scrollWidth > window.innerWidth`) {
						t.Errorf("the page is wider than its window: %v", eval[int](b, `document.documentElement.scrollWidth`))
					}
					shot(t, b, fmt.Sprintf("console-%s-%d-%s", p.name, width, scheme))
					if width == 320 || p.name == "ticket" || p.name == "links" {
						axeFinds(t, b)
					}
				})
			}
		}
	}
}

// Whatever an SMS, an operator, an agency or a key's name carries is text: nothing of it runs, nothing becomes an element.
func TestBrowserConsoleTextsAreInert(t *testing.T) {
	_, url, secret := office(t, true)
	b := open(t)
	b.enter(url, secret)
	for _, p := range consolePages {
		if p.name == "nothing" || p.name == "agency" {
			continue
		}
		b.visit(url + p.path)
		if p.name == "links" {
			b.do("told anew", chromedp.Evaluate[chromedp.Void](`document.querySelector('#live section').dataset.old = '1'`))
			b.wait("told anew", `!document.querySelector('#live section').dataset.old`)
		}
		shown := eval[string](b, `document.body.textContent`)
		for _, want := range []string{`<img src=x onerror=`, `</script><script>`, "⟨U+202E⟩", "⟨U+200B⟩", "⟨U+0007⟩", "{{.}}"} {
			if !strings.Contains(shown, want) {
				t.Errorf("%s lacks %q", p.name, want)
			}
		}
		if strings.ContainsAny(shown, "\u202e\u200b\x07") {
			t.Errorf("%s shows a hidden character as itself", p.name)
		}
		if eval[bool](b, `!!window.pwned || !!document.querySelector('main img, main script, header script, nav script')`) {
			t.Errorf("%s: a text became markup", p.name)
		}
	}
	// A browser that obeys the policy runs none of these, and says so.
	b.forgive("Content Security Policy")
	for what, script := range map[string]string{
		"an inline script":   `{const s = document.createElement('script'); s.textContent = 'window.pwned = 2'; document.body.append(s)}`,
		"a handler":          `{const d = document.createElement('div'); document.body.append(d); d.innerHTML = '<img src="/assets/none.svg" onerror="window.pwned = 2">'}`,
		"a javascript: link": `{const a = document.createElement('a'); a.href = 'javascript:window.pwned = 2'; document.body.append(a); a.click()}`,
		"a script from afar": `{const s = document.createElement('script'); s.src = 'https://evil.example/x.js'; document.body.append(s)}`,
		"a style of its own": `{const s = document.createElement('style'); s.textContent = 'main { display: none }'; document.body.append(s)}`,
	} {
		b.forgive("none.svg")
		b.do(what, chromedp.Evaluate[chromedp.Void](script), chromedp.Sleep(50*time.Millisecond))
		if eval[bool](b, `window.pwned === 2 || getComputedStyle(document.querySelector('main')).display === 'none'`) {
			t.Errorf("the policy lets %s work", what)
		}
	}
}
