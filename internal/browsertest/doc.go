// Package browsertest opens the pages in chromium, as a visitor does: make test-browser.
//
//	phone_test.go ── page + a fake line (phonetest) ──▶ looks, keys, inert texts, axe at 320 and 1280 px
//	try_test.go   ── bin/aduan try, all of it real ───▶ text, ticket, status, cut, heal
//	console_test.go, console_work_test.go ── console + an office (consoletest) ──▶ each page, each task, keys, no script
//	picture_test.go -update (make docs-pictures) ──▶ docs/pictures
//
// The promise kept here: a page without a violation of WCAG AA that axe finds, and without a word in the console.
package browsertest
