package phone

import (
	"net/http"
	"strings"
)

// Languages of the page, the default first.
var languages = []string{"id", "en"}

// langCookie remembers the visitor's choice.
const langCookie = "aduan_phone_lang"

// example is an SMS to press. The words are the citizen's, so they stay Indonesian in both languages.
type example struct {
	Label, Text string
}

func examples(w map[string]string) []example {
	return []example{
		{w["exComplaint"], "LAPOR jalan rusak di depan pasar Minggu"},
		{w["exStatus"], "CEK"},
		{w["exHelp"], "BANTUAN"},
		{w["exUrgent"], "Kebakaran di belakang Pasar Senen, ada warga terjebak"},
		{w["exEmoji"], "LAPOR sampah menumpuk di RT 5 RW 2 Depok 😢"},
		{w["exLong"], "LAPOR lampu jalan di sepanjang Jl Kenanga RT 3 RW 7 mati sejak hari Senin, gelap sekali kalau malam, " +
			"anak-anak takut pulang mengaji dan sudah dua motor jatuh karena lubang tidak kelihatan"},
	}
}

// statuses are those that staff may set.
var statuses = []string{"verified", "forwarded", "in_progress", "needs_information", "resolved", "closed", "rejected", "reopened"}

// words are the page's, by language; "js." ones are handed to the script.
var words = map[string]map[string]string{
	"id": {
		"title": "Aduan: telepon percobaan", "tagline": "Saluran percobaan", "skip": "Langsung ke telepon", "languages": "Bahasa", "other": "English",
		"lead":       "Kirim SMS ke {n} dari telepon di bawah. Setiap SMS sungguh berjalan lewat SMPP ke layanan Aduan di komputer ini.",
		"telephones": "Telepon", "add": "Tambah telepon", "remove": "Singkirkan", "messages": "Percakapan", "examples": "Contoh SMS",
		"compose": "SMS ke {n}", "send": "Kirim", "hint": "Enter mengirim, Shift+Enter baris baru",
		"empty":       "Belum ada SMS. Tekan sebuah contoh, atau tulis sendiri.",
		"exComplaint": "Laporan", "exStatus": "Tanya status", "exHelp": "Bantuan", "exUrgent": "Darurat", "exEmoji": "Dengan emoji", "exLong": "SMS panjang",
		"link": "Jalur ke operator", "cut": "Putuskan jalur", "cutHelp": "SMS yang dikirim saat jalur putus menunggu di SMSC, lalu sampai sendiri.", "news": "Kejadian",
		"staff": "Meja petugas", "staffHelp": "Mengubah status lewat API yang sesungguhnya; warga membacanya sebagai SMS.",
		"ticket": "Nomor laporan", "status": "Status", "note": "Catatan untuk warga", "optional": "boleh kosong", "push": "Kirim status",
		"verified": "Terverifikasi", "forwarded": "Diteruskan", "in_progress": "Sedang ditangani", "needs_information": "Perlu keterangan", "resolved": "Selesai ditangani", "closed": "Ditutup", "rejected": "Ditolak", "reopened": "Dibuka kembali",
		"noscript":   "Tanpa JavaScript halaman ini dapat dibaca; muat ulang untuk melihat yang baru. Untuk mengirim, nyalakan JavaScript.",
		"js.waiting": "menunggu", "js.acknowledged": "diterima layanan", "js.refused": "ditolak", "js.you": "Anda", "js.line": "Layanan",
		"js.segment": "segmen", "js.segments": "segmen", "js.left": "sisa {n}", "js.because": "karena {c}", "js.remove": "Singkirkan telepon {n}",
		"js.bound": "Tersambung", "js.connecting": "Menyambung", "js.waitingLink": "Menunggu untuk menyambung lagi", "js.refusedLink": "Ditolak operator", "js.closed": "Tertutup", "js.cut": "Diputus oleh Anda", "js.since": "sejak {t}", "js.healed": "pulih dalam {s} dtk",
		"js.offline": "Halaman ini kehilangan layanan; mencoba lagi…", "js.ok": "Diterima", "js.sms": "{n} SMS dikirim ke warga", "js.optedOut": "Warga telah meminta STOP: status berubah, tanpa SMS.",
		"js.failed": "Tidak berhasil", "js.unreachable": "Layanan tidak menjawab.", "js.request": "Permintaan yang sama dengan curl", "js.pushing": "Mengirim…",
	},
	"en": {
		"title": "Aduan: telephones to try", "tagline": "Trial line", "skip": "Skip to the telephones", "languages": "Language", "other": "Bahasa Indonesia",
		"lead":       "Text {n} from the telephone below. Each SMS truly travels over SMPP to the Aduan daemon on this computer.",
		"telephones": "Telephones", "add": "Add a telephone", "remove": "Put away", "messages": "Conversation", "examples": "SMS to try",
		"compose": "SMS to {n}", "send": "Send", "hint": "Enter sends, Shift+Enter starts a new line",
		"empty":       "No SMS yet. Press an example, or write one.",
		"exComplaint": "A complaint", "exStatus": "Ask for status", "exHelp": "Help", "exUrgent": "Danger to life", "exEmoji": "With an emoji", "exLong": "A long SMS",
		"link": "Link to the operator", "cut": "Cut the link", "cutHelp": "What is sent while it is cut waits in the SMSC and arrives by itself.", "news": "What happened",
		"staff": "Staff desk", "staffHelp": "Pushes a status through the real API; the citizen reads it as an SMS.",
		"ticket": "Ticket number", "status": "Status", "note": "Note to the citizen", "optional": "optional", "push": "Push the status",
		"verified": "Verified", "forwarded": "Forwarded", "in_progress": "In progress", "needs_information": "Needs information", "resolved": "Resolved", "closed": "Closed", "rejected": "Rejected", "reopened": "Reopened",
		"noscript":   "Without JavaScript this page can be read; reload it for news. Sending needs JavaScript.",
		"js.waiting": "waiting", "js.acknowledged": "acknowledged", "js.refused": "refused", "js.you": "You", "js.line": "The line",
		"js.segment": "segment", "js.segments": "segments", "js.left": "{n} left", "js.because": "because of {c}", "js.remove": "Put telephone {n} away",
		"js.bound": "Bound", "js.connecting": "Connecting", "js.waitingLink": "Waiting to reconnect", "js.refusedLink": "Refused by the operator", "js.closed": "Closed", "js.cut": "Cut by you", "js.since": "since {t}", "js.healed": "healed in {s} s",
		"js.offline": "This page has lost the daemon; trying again…", "js.ok": "Accepted", "js.sms": "{n} SMS sent to the citizen", "js.optedOut": "The citizen has texted STOP: the status changed, no SMS.",
		"js.failed": "Not done", "js.unreachable": "The daemon does not answer.", "js.request": "The same request with curl", "js.pushing": "Pushing…",
	},
}

// languageOf a visitor: asked for now, chosen before, or as the browser says.
func languageOf(r *http.Request) string {
	wanted := []string{r.URL.Query().Get("lang")}
	if c, err := r.Cookie(langCookie); err == nil {
		wanted = append(wanted, c.Value)
	}
	// The browser's order is taken as it stands: weights rarely contradict it.
	for tag := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ = strings.Cut(strings.TrimSpace(tag), ";")
		tag, _, _ = strings.Cut(tag, "-")
		wanted = append(wanted, strings.ToLower(tag))
	}
	for _, w := range wanted {
		for _, l := range languages {
			if w == l {
				return l
			}
		}
	}
	return languages[0]
}
