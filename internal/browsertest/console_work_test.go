//go:build browser

package browsertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"aduan/conversation"
	"aduan/internal/vitals"
)

// says waits until the page shows words.
func (b *tab) says(words string) {
	b.t.Helper()
	b.wait("it says "+words, fmt.Sprintf(`document.querySelector('main').textContent.includes(%q)`, words))
}

// Each task of an office, on a narrow and a wide screen, in both languages and both themes.
func TestBrowserConsoleEachTask(t *testing.T) {
	for _, c := range []struct {
		lang, theme string
		width       int64
		words       map[string]string
	}{
		{"id", "dark", 320, map[string]string{"assigned": "Laporan diserahkan.", "pushed": "Status diubah", "asked": "Pertanyaan dikirim.", "saved": "Instansi disimpan.", "again": "Dikirim lagi.", "dropped": "Dilepaskan.", "out": "Anda sudah keluar."}},
		{"en", "light", 320, map[string]string{"assigned": "The ticket is handed on.", "pushed": "The status is set", "asked": "The question is on its way.", "saved": "The agency is saved.", "again": "It is sent again.", "dropped": "It is dropped.", "out": "You have signed out."}},
		{"id", "light", 1280, map[string]string{"assigned": "Laporan diserahkan.", "pushed": "Status diubah", "asked": "Pertanyaan dikirim.", "saved": "Instansi disimpan.", "again": "Dikirim lagi.", "dropped": "Dilepaskan.", "out": "Anda sudah keluar."}},
		{"en", "dark", 1280, map[string]string{"assigned": "The ticket is handed on.", "pushed": "The status is set", "asked": "The question is on its way.", "saved": "The agency is saved.", "again": "It is sent again.", "dropped": "It is dropped.", "out": "You have signed out."}},
	} {
		t.Run(fmt.Sprintf("%s %s %d px", c.lang, c.theme, c.width), func(t *testing.T) {
			o, url, secret := office(t, false)
			b := open(t)
			b.look(c.width, 900, "light")
			b.visit(url + "/login/" + o.Link(secret))
			b.leave("sign in by a link", func() { b.press("main button.main") })
			b.choose("lang", c.lang)
			b.choose("theme", c.theme)

			b.leave("triage: one step", func() { b.press("li:nth-child(2) .give button") })
			b.says(c.words["assigned"])
			b.wait("two are left", `document.querySelectorAll('[data-row]').length === 2`)

			b.leave("find by number", func() { b.fill("#q", lamp+"\r") })
			b.wait("the ticket", fmt.Sprintf(`document.querySelector('h1').textContent === %q`, lamp))
			b.leave("find by the case system's id", func() { b.fill("#q", "SPN-2026/4711\r") })
			b.wait("the same ticket", fmt.Sprintf(`document.querySelector('h1').textContent === %q`, lamp))

			b.fill("#note", "Petugas datang besok")
			b.wait("the SMS is shown as it is written", `document.querySelector('[data-draft] .bubble')?.textContent.includes('Petugas datang besok')`)
			b.fill("#note", strings.Repeat("panjang ", 80))
			b.wait("too long is told before it is sent", `document.querySelector('[data-draft] .over')`)
			b.fill("#note", "Petugas datang besok 😢")
			b.wait("what an emoji costs", `document.querySelector('[data-draft] .cost').textContent.includes('UCS-2')`)
			b.fill("#note", "Petugas datang besok")
			b.wait("and what not", `document.querySelector('[data-draft] .cost').textContent.includes('GSM-7')`)
			b.leave("push", func() { b.press(`form[action$="/status"] button.main`) })
			b.says(c.words["pushed"])
			b.says("Petugas datang besok")
			b.fill("#question", "Tiang nomor berapa?")
			b.wait("the question's SMS", `document.querySelector('form[action$="/question"] .bubble')?.textContent.includes('Tiang nomor')`)
			b.leave("ask", func() { b.press(`form[action$="/question"] button.main`) })
			b.says(c.words["asked"])
			b.wait("masked", `document.querySelector('#number').textContent.includes('•')`)
			b.leave("show the number", func() { b.press("#reveal") })
			b.wait("shown", `document.querySelector('#number').textContent === '+6281234567123'`)
			b.fill("#agency", "Dinas PUPR")
			b.leave("forward", func() { b.press(`form[action$="/assign"] button.main`) })
			b.says(c.words["assigned"])
			b.visit(url + "/tickets/" + school)
			b.wait("a confidential one is named by its alias alone", `document.querySelector('main').textContent.includes('A-7F3K') && !document.querySelector('#reveal, #number')`)

			b.visit(url + "/tickets")
			b.do("a status", chromedp.Evaluate[chromedp.Void](`document.querySelector('#f-status').value = 'in_progress'`))
			b.leave("filter", func() { b.press(".filters button") })
			b.wait("one", `document.querySelectorAll('[data-row]').length === 1`)
			b.visit(url + "/overdue")
			b.wait("one is overdue", `document.querySelectorAll('[data-row]').length === 1`)
			b.visit(url + "/surge")
			b.says("kec beji")
			b.visit(url + "/audit")
			b.leave("the trail of one action", func() { b.fill("#a-action", "reveal\r") })
			b.wait("one record", `document.querySelectorAll('.letter').length === 1 && document.querySelector('main').textContent.includes('192.0.2.7')`)
			b.visit(url + "/agencies")
			b.leave("an agency", func() { b.press("[data-row]") })
			b.fill("#o1", "Wahyu Nugroho")
			b.leave("save it", func() { b.press("fieldset + .buttons button, form .buttons button.main") })
			b.says(c.words["saved"])
			b.visit(url + "/dead")
			b.leave("send again", func() { b.press(`form[action$="/retry"] button`) })
			b.says(c.words["again"])
			b.leave("drop", func() { b.press(`form[action$="/drop"] button`) })
			b.says(c.words["dropped"])
			linkPageIsLive(b, o.Lock, o.Unlock, func() {
				d := o.Daemons["01BOOT"]
				d.Links = append([]vitals.Link{}, d.Links...)
				d.Links[0].State, d.Links[0].Reason, d.Links[0].Window.Used = "waiting", "connection reset by peer", 3
				o.Daemons["01BOOT"] = d
			}, url)
			b.press("details.menu:last-child summary")
			b.leave("sign out", func() { b.press(`form[action="/logout"] button`) })
			b.says(c.words["out"])
		})
	}
}

func linkPageIsLive(b *tab, lock, unlock func(), cut func(), url string) {
	b.t.Helper()
	b.visit(url + "/links")
	b.wait("drawn", `document.querySelector('.link .pill').classList.contains('l-bound') && document.querySelector('polyline').points.length === 60`)
	lock()
	cut()
	unlock()
	b.wait("the cut shows by itself", `document.querySelector('.link .pill').classList.contains('l-waiting') && document.querySelector('.link .reason').textContent.includes('reset by peer') && document.querySelector('.link').textContent.includes('3 / 50')`)
}

func TestBrowserConsoleByKeyboard(t *testing.T) {
	_, url, secret := office(t, false)
	b := open(t)
	b.enter(url, secret)
	key := func(k string) { t.Helper(); b.do("key "+k, chromedp.KeyEvent(k)) }
	at := func(i int) string {
		return fmt.Sprintf(`document.activeElement === document.querySelectorAll('[data-row]')[%d]`, i)
	}
	key("j")
	b.wait("j begins at the first", at(0))
	key("j")
	key("j")
	key("j")
	b.wait("and stays at the last", at(2))
	key("k")
	b.wait("k goes back", at(1))
	b.leave("Enter opens", func() { key("\r") })
	b.wait("the ticket", `location.pathname.startsWith('/tickets/')`)
	key("/")
	b.wait("/ finds", `document.activeElement === document.getElementById('q')`)
	key("j")
	if got := eval[string](b, `document.getElementById("q").value + "/" + document.activeElement.id`); !strings.HasSuffix(got, "j/q") { // chromedp sends the letter of a key that was taken
		t.Errorf("a letter in a field is a letter: %q", got)
	}
	b.do("leave the field", chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
	key("?")
	b.wait("? helps", `document.getElementById('keys').open`)
	axeFinds(t, b)
	key("\x1b")
	b.wait("Esc closes", `!document.getElementById('keys').open`)
	key("g")
	b.leave("g and a number", func() { key("2") })
	b.wait("the second page", `location.pathname === '/tickets'`)
}

// All of it can be read and done with forms and links alone.
func TestBrowserConsoleWithoutScript(t *testing.T) {
	o, url, secret := office(t, false)
	b := open(t)
	b.do("no script", disableScripts())
	click := func(what, selector string) {
		t.Helper()
		b.leave(what, func() { b.press(selector) })
	}
	b.visit(url + "/login/" + o.Link(secret))
	click("sign in", "main button.main")
	for _, p := range consolePages {
		if p.name != "nothing" {
			b.visit(url + p.path)
			if eval[int](b, `document.querySelector('main').innerText.length`) < 40 {
				t.Errorf("%s says nothing", p.name)
			}
		}
	}
	b.visit(url + "/tickets/" + lamp)
	b.fill("#note", "Tanpa skrip")
	click("preview", `form[action$="/status"] [data-draft-button]`)
	b.says("Tanpa skrip")
	b.wait("what it costs", `document.querySelector('[data-draft] .cost').textContent.includes('GSM-7')`)
	if n := len(o.Tickets[mustNumber(t, lamp)].Messages); n != 2 {
		t.Errorf("a preview has sent an SMS: %d", n)
	}
	click("push", `form[action$="/status"] button.main`)
	b.wait("pushed", `document.querySelector('.done')`)
	b.visit(url + "/links")
	b.wait("the charts are drawn", `document.querySelector('polyline').points.length === 60`)
	b.press("details.menu summary")
	click("dark", `button[name="theme"][value="dark"]`)
	b.wait("dark", `document.documentElement.dataset.theme === 'dark'`)
}

// A session that ends while a page is open is told, and nothing is lost silently.
func TestBrowserConsoleWhenTheSessionEnds(t *testing.T) {
	o, url, secret := office(t, false)
	b := open(t)
	b.forgive("401")
	b.enter(url, secret)
	b.visit(url + "/tickets/" + lamp)
	o.Lock()
	clear(o.Sessions)
	o.Unlock()
	b.leave("push", func() { b.press(`form[action$="/status"] button.main`) })
	b.wait("told", `document.querySelector('h1').textContent.length > 0 && document.querySelector('a[href="/"]')`)
	b.visit(url + "/tickets/" + lamp)
	b.wait("sign in, and back", `location.pathname === '/login'`)
	b.leave("sign in", func() { b.fill("#key", secret+"\r") })
	b.wait("back", `location.pathname.startsWith('/tickets/')`)
}

func mustNumber(t *testing.T, s string) conversation.Number {
	t.Helper()
	n, err := conversation.ParseNumber(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
