package proof

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"

	"aduan/internal/desk"
)

//go:embed page.html
var page string

const style = `body{font:12pt/1.4 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#111;background:#fff}` +
	`dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}dt{font-weight:600}dd{margin:0}` +
	`table{border-collapse:collapse;width:100%;font-size:10pt}caption{text-align:left;font-weight:600;padding:.5em 0}` +
	`th,td{border:1px solid #767676;padding:.3em;text-align:left;vertical-align:top;overflow-wrap:anywhere}.how{font-size:10pt}` +
	`@media (max-width:40em){table{display:block;overflow-x:auto}}@page{margin:2cm}`

// Policy is the Content-Security-Policy of the page: its own style and nothing else.
var Policy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// Languages are those of the page; the first is used where another is asked for.
var Languages = []string{"id", "en"}

var words = map[string]map[string]string{
	"id": {
		"title": "Bukti pemberitahuan", "ticket": "Nomor laporan", "status": "Status", "filed": "Diterima", "citizen": "Pelapor", "made": "Dibuat",
		"notices": "SMS kepada pelapor", "message": "SMS", "hash": "Hash teks", "state": "Keadaan", "accepted": "Diterima operator", "delivered": "Sampai di telepon",
		"records": "Catatan audit", "soon": "(segera dirantai)", "same": "teks ini", "disagrees": "tidak sesuai dengan catatan audit",
		"none":   "Tidak ada SMS tentang laporan ini.",
		"erased": "Data pelapor telah dihapus: hash di bawah ini tidak dapat diperiksa lagi.",
		"how":    "Hash teks dibuat dengan kunci milik pelapor (HMAC-SHA-256) dan tidak berlaku lagi bila datanya dihapus. Catatan audit dirantai dengan SHA-256; perintah aduan audit verify membuktikan bahwa tidak ada yang diubah. Waktu dalam UTC.",
	},
	"en": {
		"title": "Proof of notification", "ticket": "Ticket", "status": "Status", "filed": "Received", "citizen": "Reporter", "made": "Made",
		"notices": "SMS to the reporter", "message": "SMS", "hash": "Hash of the text", "state": "State", "accepted": "Taken by the operator", "delivered": "Delivered to the telephone",
		"records": "Audit records", "soon": "(chained within seconds)", "same": "this text", "disagrees": "not what the audit trail says",
		"none":   "There is no SMS about this ticket.",
		"erased": "The reporter's data were erased: the hashes below can no longer be verified.",
		"how":    "A text's hash is made with the reporter's own key (HMAC-SHA-256) and dies with it when the data are erased. The audit records are chained by SHA-256; the command aduan audit verify shows that none was changed. Times are UTC.",
	},
}

var tmpl = template.Must(template.New("page").Funcs(template.FuncMap{
	"time": stamp,
	"maybe": func(t *time.Time) string {
		if t == nil {
			return "–"
		}
		return stamp(*t)
	},
	"deref": func(b *bool) bool { return *b },
}).Parse(page))

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Write writes the page in a language.
func Write(w io.Writer, p desk.ProofView, lang string) error {
	if words[lang] == nil {
		lang = Languages[0]
	}
	err := tmpl.Execute(w, struct {
		Lang  string
		W     map[string]string
		P     desk.ProofView
		Style template.CSS
	}{lang, words[lang], p, template.CSS(style)}) //nolint:gosec // a constant of ours
	if err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	return nil
}
