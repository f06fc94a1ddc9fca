//go:build browser

package browsertest

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"aduan/internal/testenv"
)

// lastIn is the text of the newest bubble from the line.
const lastIn = `[...document.querySelectorAll('.bubble.in .text')].at(-1)?.textContent ?? ''`

func TestBrowserATextGetsATicketAndAStatus(t *testing.T) {
	_, url := fakeLine(t)
	b := open(t)
	b.do("open", chromedp.Navigate(url), chromedp.WaitVisible(".phone textarea"))

	b.do("type", chromedp.SendKeys(".phone textarea", "LAPOR jalan rusak di depan pasar Minggu"))
	b.wait("the counter counts", `document.querySelector('.count').textContent.includes('GSM-7 · 1 ')`)
	b.do("Enter sends", chromedp.SendKeys(".phone textarea", "\r"))
	b.wait("a ticket number comes back", `/\d{4}-\d{4}/.test(`+lastIn+`)`)
	b.wait("the complaint is acknowledged", `document.querySelector('.bubble.out .tick')?.dataset.progress === 'acknowledged'`)
	b.wait("the box is empty again", `document.querySelector('.phone textarea').value === ''`)

	b.wait("the desk knows the ticket", `/^\d{4}-\d{4}$/.test(document.getElementById('ticket').value)`)
	b.do("push", chromedp.SendKeys("#note", "Petugas di lokasi."), chromedp.Click("#staff button"))
	b.wait("the API accepted", `document.getElementById('result').textContent.includes('202')`)
	b.wait("the status reaches the telephone", `(`+lastIn+`).includes('Petugas di lokasi.')`)

	b.forgive("404")
	b.do("an unknown ticket", chromedp.SetValue("#ticket", "0000-0000"), chromedp.Click("#staff button"))
	b.wait("the problem is told", `document.querySelector('.result.failed')?.textContent.includes('not_found')`)
}

func TestBrowserACutLinkHeals(t *testing.T) {
	_, url := fakeLine(t)
	b := open(t)
	b.do("open", chromedp.Navigate(url), chromedp.WaitVisible(".phone textarea"))
	b.wait("bound", `document.getElementById('link').dataset.state === 'bound'`)
	b.do("cut", chromedp.Click("#cut"))
	b.wait("the cut shows", `document.getElementById('link').dataset.state !== 'bound'`)
	b.do("send meanwhile", chromedp.Click(".chip"))
	b.wait("it waits", `document.querySelector('.bubble.out .tick')?.dataset.progress === 'waiting'`)
	b.wait("it heals", `document.querySelector('#news .heal')`)
	b.wait("and arrives", `document.querySelector('.bubble.out .tick')?.dataset.progress === 'acknowledged'`)
}

func TestBrowserTelephonesComeAndGo(t *testing.T) {
	_, url := fakeLine(t)
	b := open(t)
	b.do("open", chromedp.Navigate(url), chromedp.WaitVisible(".phone textarea"))
	b.do("draft", chromedp.SendKeys(".phone textarea", "belum selesai"))
	b.do("add", chromedp.Click("#add"))
	b.wait("two", `document.querySelectorAll('#phones > .phone').length === 2`)
	b.wait("the new one has the focus", `document.activeElement === document.querySelector('.phone:last-child textarea')`)
	b.wait("the draft stays", `document.querySelector('.phone textarea').value === 'belum selesai'`)
	b.do("the second sends", chromedp.Click(".phone:last-child .chip"))
	b.wait("its bubble is its own", `document.querySelectorAll('.phone:last-child .bubble.in').length === 1 && !document.querySelector('.phone:first-child .bubble')`)
	b.do("remove", chromedp.Click(".phone:last-child .remove"))
	b.wait("one", `document.querySelectorAll('#phones > .phone').length === 1`)
}

// What an SMS or an API answer carries is text: nothing of it runs, nothing becomes an element.
func TestBrowserTextsAreInert(t *testing.T) {
	line, url := fakeLine(t)
	b := open(t)
	evil := `<img src=x onerror="window.pwned=1"></p></script><script>window.pwned=1</script> ` + "\u202e\u200b\x07 {{.}}"
	line.Text("6281200000001", evil)
	b.do("open", chromedp.Navigate(url), chromedp.WaitVisible(".phone textarea"))
	check := func(how string) {
		t.Helper()
		shown := eval[string](b, lastIn)
		for _, want := range []string{`<img src=x onerror=`, `</script><script>`, "⟨U+202E⟩", "⟨U+200B⟩", "⟨U+0007⟩", "{{.}}"} {
			if !strings.Contains(shown, want) {
				t.Errorf("%s: %q lacks %q", how, shown, want)
			}
		}
		if eval[bool](b, `!!window.pwned || !!document.querySelector('.bubble img, .bubble script')`) {
			t.Errorf("%s: an SMS became markup", how)
		}
	}
	b.wait("shown by the server", `document.querySelector('.bubble.in')`)
	check("rendered by the server")
	line.Text("6281200000001", evil)
	b.wait("shown by the stream", `document.querySelectorAll('.bubble.in').length === 2`)
	check("made by the script")

	// A browser that obeyed the policy says so itself; both elements are ours to provoke.
	b.forgive("Content Security Policy")
	b.do("inline script", chromedp.Evaluate[chromedp.Void](`{const s = document.createElement('script'); s.textContent = 'window.pwned = 2'; document.body.append(s)}`))
	if eval[bool](b, `window.pwned === 2`) {
		t.Error("the policy lets an inline script run")
	}
}

func TestBrowserReadsWithoutScript(t *testing.T) {
	line, url := fakeLine(t)
	line.Text("6281200000001", "Laporan 4821-3769 selesai.")
	b := open(t)
	b.do("no script", disableScripts(), chromedp.Navigate(url), chromedp.WaitVisible(".bubble.in"))
	text, err := chromedp.Run(b.ctx, chromedp.TextContent(".bubble.in .text"))
	if err != nil || !strings.Contains(text, "4821-3769") {
		t.Errorf("the conversation is not in the page: %q, %v", text, err)
	}
}

func TestBrowserSpeaksTwoLanguages(t *testing.T) {
	_, url := fakeLine(t)
	b := open(t)
	for _, c := range []struct{ lang, button string }{{"id", "Putuskan jalur"}, {"en", "Cut the link"}} {
		b.do(c.lang, chromedp.Navigate(url+"?lang="+c.lang), chromedp.WaitVisible("#cut"))
		if got := eval[string](b, `document.documentElement.lang + ' ' + document.getElementById('cut').textContent.trim()`); got != c.lang+" "+c.button {
			t.Errorf("%s: %q", c.lang, got)
		}
	}
	b.do("remembered", chromedp.Navigate(url), chromedp.WaitVisible("#cut"))
	if got := eval[string](b, `document.documentElement.lang`); got != "en" {
		t.Errorf("the choice is forgotten: %s", got)
	}
}

func TestBrowserFitsAndIsAccessible(t *testing.T) {
	_, url := fakeLine(t)
	b := open(t)
	b.do("open", chromedp.Navigate(url), chromedp.WaitVisible(".phone textarea"))
	b.do("two telephones", chromedp.Click("#add"))
	b.wait("two", `document.querySelectorAll('#phones > .phone').length === 2`)
	b.do("bubbles", chromedp.Click(".chip"), chromedp.Click("#cut"), chromedp.Click(".chip:nth-child(2)"))
	b.wait("healed", `document.querySelector('#news .heal')`)
	b.wait("two answers", `document.querySelectorAll('.bubble.in').length === 2`)
	b.do("typed, pushed", chromedp.SendKeys(".phone textarea", "ada emoji 😢 di sini"), chromedp.Click("#staff button"))
	b.wait("result", `document.querySelector('#result details')`)
	b.wait("counted", `document.querySelector('.count').textContent.includes('UCS-2')`)
	for _, width := range []int64{320, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("%d px %s", width, scheme), func(t *testing.T) {
				b.look(width, 900, scheme)
				if eval[bool](b, `document.documentElement.scrollWidth > window.innerWidth`) {
					t.Errorf("the page is wider than its window: %v", eval[int](b, `document.documentElement.scrollWidth`))
				}
				shot(t, b, fmt.Sprintf("phone-%d-%s", width, scheme))
				b.do("axe", chromedp.Evaluate[chromedp.Void](axeScript(t)))
				found := eval[string](b, `axe.run(document).then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html.slice(0, 160) + ' ' + n.failureSummary)}))))`, chromedp.EvalAwaitPromise)
				if found != "[]" {
					var pretty any
					_ = json.Unmarshal([]byte(found), &pretty)
					out, _ := json.MarshalIndent(pretty, "", " ")
					t.Errorf("axe: %s", out)
				}
			})
		}
	}
}

// axeScript is axe-core's text; without it the test is skipped.
func axeScript(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile(testenv.Axe(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}
