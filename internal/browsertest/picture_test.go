//go:build browser

package browsertest

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"aduan/internal/testenv"
)

var (
	update = flag.Bool("update", false, "make docs/pictures anew")
	shots  = flag.String("shots", "", "a folder for pictures of what the tests saw")
)

func disableScripts() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
}

// shot keeps a picture where -shots asks for it.
func shot(t *testing.T, b *tab, name string) {
	t.Helper()
	if *shots != "" {
		picture(t, b, filepath.Join(*shots, name+".png"))
	}
}

func picture(t *testing.T, b *tab, path string) {
	t.Helper()
	eval[bool](b, `scrollTo(0, 0), true`)
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(path, png, 0o644)
	}
	if err != nil {
		t.Fatalf("picture %s: %v", path, err)
	}
}

// TestBrowserPicture makes the README's picture: make docs-pictures
func TestBrowserPicture(t *testing.T) {
	path := filepath.Join(testenv.Root(t), "docs/pictures/phone.png")
	if !*update {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%v; run: make docs-pictures", err)
		}
		return
	}
	url, _, _ := startTry(t)
	b := open(t)
	b.look(1280, 800, "light")
	b.do("open", chromedp.Navigate(url+"?lang=en"), chromedp.WaitVisible(".phone textarea"))
	b.wait("bound", `document.getElementById('link').dataset.state === 'bound'`)
	b.do("a second telephone", chromedp.Click("#add"))
	b.wait("two", `document.querySelectorAll('#phones > .phone').length === 2`)
	b.do("cut", chromedp.Click("#cut"))
	b.do("the second texts", chromedp.SendKeys(".phone:last-child textarea", "Sampah di TPS sebelah pasar blm diangkut seminggu\r"))
	b.wait("healed", `document.querySelector('#news .heal')`)
	b.wait("answered", `document.querySelectorAll('.phone:last-child .bubble.in').length === 1`)
	b.do("answers the question", chromedp.SendKeys(".phone:last-child textarea", "RT 5 RW 2 Sukamaju, Depok\r"))
	b.wait("answered again", `document.querySelectorAll('.phone:last-child .bubble.in').length === 2`)
	b.do("the first texts", chromedp.Click(".phone:first-child .chip"))
	b.wait("answered too", `document.querySelectorAll('.phone:first-child .bubble.in').length === 1`)
	b.do("status", chromedp.SendKeys("#note", "Tim menuju lokasi."), chromedp.Click("#staff button"))
	b.wait("status there", `document.querySelectorAll('.phone:first-child .bubble.in').length === 2`)
	b.do("draft", chromedp.SendKeys(".phone:first-child textarea", "Terima kasih, kami tunggu"))
	b.wait("counted", `document.querySelector('.count').textContent !== ''`)
	b.do("calm", chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
	picture(t, b, path)
}

// TestBrowserPictureConsole makes the pictures of docs/console.md.
func TestBrowserPictureConsole(t *testing.T) {
	dir := filepath.Join(testenv.Root(t), "docs/pictures")
	all := []struct{ name, page, theme string }{
		{"console-desk", "/desk", "light"}, {"console-ticket", "/tickets/" + lamp, "light"}, {"console-links", "/links", "dark"},
	}
	if !*update {
		for _, p := range all {
			if _, err := os.Stat(filepath.Join(dir, p.name+".png")); err != nil {
				t.Errorf("%v; run: make docs-pictures", err)
			}
		}
		return
	}
	_, url, secret := office(t, false)
	b := open(t)
	b.enter(url, secret)
	b.choose("lang", "en")
	for _, p := range all {
		b.look(1120, 720, p.theme)
		b.visit(url + p.page)
		if p.name == "console-ticket" {
			b.fill("#note", "Petugas datang besok pagi.")
			b.wait("the SMS", `document.querySelector('[data-draft] .bubble')`)
		}
		b.do("calm", chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
		picture(t, b, filepath.Join(dir, p.name+".png"))
	}
}
