package conversation_test

import (
	"strings"
	"testing"
	"time"

	"aduan/conversation"
)

// outcome tells in a word what a message became: the kind of ticket filed,
// "added", "answered", or the template of the reply.
func outcome(fx conversation.Effects) string {
	for _, e := range fx.Events {
		switch e.Type {
		case conversation.EventFiled:
			t := fx.Tickets[0]
			if t.Confidential {
				return "confidential"
			}
			return string(t.Kind)
		case conversation.EventAdded:
			if fx.Replies[0].Template == "status_added" {
				return "status_added"
			}
			return "added"
		case conversation.EventAnswered:
			return "answered"
		case conversation.EventReopened:
			return "reopened"
		case conversation.EventRated:
			return "rated"
		}
	}
	if len(fx.Replies) == 0 {
		return "silence"
	}
	return fx.Replies[0].Template
}

type sentence struct {
	text string
	want string
}

// To a citizen of whom nothing is known.
var fresh = []sentence{
	// A command word at the start of a complaint.
	{"Stop pungli di SDN 3", "complaint"},
	{"stop truk tambang lewat kampung kami", "complaint"},
	{"STOP!! jangan buang sampah ke kali", "complaint"},
	{"Stop dulu proyeknya pak, rumah kami retak", "complaint"},
	{"Berhenti sudah angkot lewat desa kami sejak lebaran", "complaint"},
	{"Berhenti beroperasi puskesmas pembantu di Rawa", "complaint"},
	{"Mulai kemarin air tidak mengalir", "complaint"},
	{"mulai dari RT 1 sampai RT 5 gelap semua", "complaint"},
	{"Start jam 10 malam musik keras sekali", "complaint"},
	{"Batal terus jadwal vaksin anak saya", "complaint"},
	{"batal haji karena paspor tidak jadi", "complaint"},
	{"Cabut izin pabrik itu pak", "complaint"},
	{"cabut saja tiang listrik di tengah jalan", "complaint"},
	{"Cancel order obat di RSUD tanpa alasan", "complaint"},
	{"Hapus pungutan parkir liar di RSUD", "complaint"},
	{"hapus tato gratis katanya tapi bayar", "complaint"},
	{"Delete saja program ini, percuma", "complaint"},
	{"hapus data saya dari DTKS kenapa?", "complaint"},
	{"Cek dong jalan depan pasar rusak", "complaint"},
	{"cek kesehatan di posyandu bayar 20rb", "complaint"},
	{"Cek kosong dari bendahara desa", "complaint"},
	{"Check the bridge at our village, it is broken", "complaint"},
	{"Track record kepala desa buruk", "complaint"},
	{"lacak pencuri motor di gang kami", "complaint"},
	{"Status bansos saya kok tidak aktif", "complaint"},
	{"status tanah kami belum jelas 4 tahun", "complaint"},
	{"Tambah parah jalan di sini", "complaint"},
	{"tambahan biaya di puskesmas 50rb", "complaint"},
	{"Add more buses to Bekasi please", "complaint"},
	{"Bantu kami pak, bansos dipotong", "complaint"},
	{"bantuan beras belum sampai ke RT kami", "complaint"},
	{"Bantuan PKH saya diambil orang lain", "complaint"},
	{"Help us, the river is black", "complaint"},
	{"Menu makan siang di sekolah basi", "complaint"},
	{"Info saja jalan masuk kampung kami putus", "complaint"},
	{"info dari RT bansos dipotong", "complaint"},
	{"Bahasa di loket kasar sekali", "complaint"},
	{"bahasa daerah dihapus dari sekolah kami", "complaint"},
	{"Reg perawatan di rumah sakit dipersulit", "complaint"},
	{"Ya ampun jalan rusak lagi rusak lagi", "complaint"},
	{"ya Allah banjir lagi banjir lagi", "complaint"},
	{"Ok saya mau bilang lampu jalan mati", "complaint"},
	{"Tidak ada air 3 hari", "complaint"},
	{"gak ada guru di kelas anak saya", "complaint"},
	{"No water for three days", "complaint"},
	{"Belum ada KTP sejak 2 tahun", "complaint"},
	{"Puas warga dibohongi terus pak lurah", "complaint"},
	{"Tidak puas dengan pelayanan RSUD", "complaint"},
	{"1 minggu sampah tidak diangkut", "complaint"},
	{"2x seminggu padam", "complaint"},
	{"5 orang keracunan es di sekolah", "complaint"},
	{"3 lampu jalan mati", "complaint"},
	{"Nilai ujian anak saya dijual guru", "complaint"},
	{"Rahasia umum di kantor ini semua bayar", "confidential"},
	{"Terima kasih jalan sudah diperbaiki tapi rusak lagi", "complaint"},
	{"Baik buruknya pelayanan tergantung uang", "complaint"},
	{"Selamat pagi, got depan rumah mampet", "complaint"},
	{"Tolong pak ada pohon tumbang", "complaint"},
	{"pagi pagi sudah macet di pertigaan", "complaint"},
	{"malam tadi rumah kami kemalingan", "complaint"},
	{"Siang malam truk lewat", "complaint"},
	{"lewat jalan itu bahaya pak", "complaint"},
	{"skip saja antrian kalau bayar, begitu kata calo", "complaint"},
	// Words that only look like commands.
	{"Sarang nyamuk di got sekolah", "complaint"},
	{"Saran kami puskesmas buka hari Minggu", "suggestion"},
	{"Sarana air bersih rusak", "complaint"},
	{"Usulan warga soal jembatan tidak didengar", "complaint"},
	{"Haus", "complaint"},
	{"haus pak, air bersih habis", "complaint"},
	{"Batas tanah saya digeser tetangga", "complaint"},
	{"Batas", "complaint"},
	{"Cabe mahal", "complaint"},
	{"Cekungan di jalan raya dalam sekali", "complaint"},
	{"Statusnya tidak jelas KTP saya", "complaint"},
	{"Tambak kami tercemar limbah", "complaint"},
	{"tambahkan lampu di gang kami", "complaint"},
	{"Stopkontak di puskesmas korslet", "complaint"},
	{"Mulailah perbaiki jalan kami", "complaint"},
	{"Bantul banjir", "complaint"},
	{"Hapusan papan tulis tidak ada", "complaint"},
	{"Asap pabrik masuk rumah", "complaint"},
	{"Aspal jalan kami terkelupas", "complaint"},
	{"Lapangan bola jadi tempat sampah", "complaint"},
	{"Lapar pak, warga di posko belum makan", "complaint"},
	{"Laporan saya dulu tidak ditanggapi sama sekali", "complaint"},
	{"Adu ayam tiap malam di RT 3", "complaint"},
	{"Infonya bansos cair tapi belum", "complaint"},
	{"no 12 blok C airnya mati", "complaint"},
	{"081234567890 penipu tolong diblokir", "complaint"},
	{"081234567890", "complaint"},
	{"CEK 4821 jalan rusak", "complaint"},
	{"buku KIA habis di puskesmas", "complaint"},
	{"tahu tempe berformalin di pasar", "complaint"},
	// Filing words.
	{"LAPOR jalan rusak", "complaint"},
	{"lapor:jalan rusak", "complaint"},
	{"Lapor.jalan rusak", "complaint"},
	{"LAPRO jalan rusak", "complaint"},
	{"pak lapor got mampet", "complaint"},
	{"saya mau lapor lampu mati", "complaint"},
	{"mohon lapor, ada maling", "complaint"},
	{"REPORT garbage everywhere", "complaint"},
	{"Keluhan: air keruh", "complaint"},
	{"ADUAN air mati", "complaint"},
	{"RAHASIA lurah minta uang", "confidential"},
	{"RAHSIA lurah minta uang", "confidential"},
	{"anonim, kepala sekolah korupsi", "confidential"},
	{"camat korupsi, jangan sebut nama saya", "confidential"},
	{"dana desa hilang mohon dirahasiakan", "confidential"},
	{"ASPIRASI buat taman di kota", "suggestion"},
	{"usul lampu merah di simpang lima", "suggestion"},
	{"SUGGEST more trees", "suggestion"},
	{"TANYA syarat akta lahir", "information"},
	{"mau tanya kenapa KTP belum jadi", "information"},
	{"numpang tanya kantor capil buka jam berapa", "information"},
	{"INFO jadwal vaksin", "information"},
	{"info cara bikin KTP", "information"},
	{"info vaksin?", "information"},
	{"ask how to get a birth certificate", "information"},
	// Alone.
	{"lapor", "what_complaint"},
	{"Pagi pak, saya mau lapor", "what_complaint"},
	{"mau ngadu pak", "what_complaint"},
	{"LAPOR!!!", "what_complaint"},
	{"lapro", "what_complaint"},
	{"saran", "what_suggestion"},
	{"aspirasi dong", "what_suggestion"},
	{"RAHASIA", "what_complaint"},
	{"tanya", "help"},
	{"info", "help"},
	{"mau tanya pak", "help"},
	{"bantuan", "help"},
	{"BANTUAN!", "help"},
	{"banuan", "help"},
	{"tolong bantu dong", "help"},
	{"?", "help"},
	{"??", "help"},
	{"menu", "help"},
	{"cek", "status_none"},
	{"Cek dong pak", "status_none"},
	{"cek laporan saya", "status_none"},
	{"cek status", "status_none"},
	{"statsu", "status_none"},
	{"CEK 4821376", "mistyped"},
	{"CEK 1000-1412", "mistyped"},
	{"batal 48213", "mistyped"},
	{"tambah 4821376", "mistyped"},
	{"CEK 9876-5078", "unknown"},
	{"9876 5078", "unknown"},
	{"BATAL 9876-5078", "unknown"},
	{"tambah", "add_usage"},
	{"TAMBAH 9876-5078", "add_usage"},
	{"TAMBAH 9876-5078 lampu mati", "complaint"},
	{"batal", "nothing_to_cancel"},
	{"cabut dong", "nothing_to_cancel"},
	{"stop", "stopped"},
	{"STOP SMS", "stopped"},
	{"stop pak", "stopped"},
	{"jangan sms lagi", "stopped"},
	{"ok stop", "stopped"},
	{"Unsubscribe", "stopped"},
	{"mulai", "started"},
	{"mulia", "started"},
	{"REG", "started"},
	{"bahasa", "language_usage"},
	{"bahasa jawa", "language_usage"},
	{"bahasa inggris dong", "language_set"},
	{"LANG EN", "language_set"},
	{"hapus", "confirm_erase"},
	{"HAPUS DATA SAYA", "confirm_erase"},
	// Nothing but courtesy, and answers to nothing.
	{"Assalamualaikum, selamat pagi", "how"},
	{"pak", "how"},
	{"halo min", "how"},
	{"terima kasih", "thanks"},
	{"Baik pak terimakasih", "thanks"},
	{"ok", "how"},
	{"siap", "how"},
	{"ya", "how"},
	{"tidak", "how"},
	{"gak tau", "how"},
	{"5", "how"},
	{"nilai 5", "how"},
	{"puas", "how"},
	{"belum", "how"},
	{"tidak puas", "how"},
	{"tidak jadi", "how"},
	{"...", "unreadable"},
	{"😡😡", "unreadable"},
}

func TestCommandOrComplaint(t *testing.T) {
	e := engine(t)
	for _, s := range fresh {
		t.Run(s.text, func(t *testing.T) {
			_, fx := e.Step(conversation.State{}, conversation.SMS{Text: s.text, NewNumber: conversation.NewNumber(42, 10001)}, morning)
			if got := outcome(fx); got != s.want {
				t.Errorf("%q became %s, want %s", s.text, got, s.want)
			}
			if s.want == "complaint" && fx.Texts[0].Text() != s.text {
				t.Errorf("%q stands as %q", s.text, fx.Texts[0].Text())
			}
		})
	}
}

var morning = time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)

// opened is a citizen with one open ticket, 1000-1421, filed two hours ago, of
// which nothing is asked.
func opened(t testing.TB, e *conversation.Engine) conversation.State {
	t.Helper()
	s, fx := e.Step(conversation.State{}, conversation.SMS{Text: "LAPOR jalan rusak di RT 3 RW 4", NewNumber: conversation.NewNumber(42, 10001)}, morning.Add(-2*time.Hour))
	if outcome(fx) != "complaint" {
		t.Fatal(outcome(fx))
	}
	return s
}

func TestCommandOrComplaintWithATicketOpen(t *testing.T) {
	e := engine(t)
	s := opened(t, e)
	for _, row := range []sentence{
		{"Tambah parah sekarang", "added"},
		{"TAMBAH 1000-1421 makin dalam", "added"},
		{"TAMBAH 9876-5078 makin dalam", "added"},
		{"TAMABH 1000 1421 makin dalam", "added"},
		{"TAMBAH 1000-1412 makin dalam", "added"},
		{"CEK 1000-1421 kok lama sekali", "status_added"},
		{"CEK 1000-1421 dong pak", "status_one"},
		{"cek no. 1000.1421", "status_one"},
		{"cek laporan 1000 1421 ya", "status_one"},
		{"cek status laporan saya", "status_one"},
		{"laporan 1000-1421", "status_one"},
		{"#1000-1421", "status_one"},
		{"chek 10001421", "status_one"},
		{"lacka 10001421", "status_one"},
		{"10001412", "mistyped"},
		{"cek", "status_one"},
		{"batal", "confirm_withdraw"},
		{"btal 10001421", "confirm_withdraw"},
		{"btaal 10001421", "confirm_withdraw"},
		{"cabut laporan saya", "confirm_withdraw"},
		{"Batal terus antri KTP saya", "complaint"},
		{"sampah menumpuk", "complaint"},
		{"stop pungli", "complaint"},
		{"saya cek", "complaint"},
		{"mau stop sms", "complaint"},
		{"saya batal", "complaint"},
		{"LAPOR sampah", "complaint"},
		{"terima kasih pak", "thanks"},
	} {
		t.Run(row.text, func(t *testing.T) {
			_, fx := e.Step(s, conversation.SMS{Text: row.text, NewNumber: conversation.NewNumber(42, 10002)}, morning)
			if got := outcome(fx); got != row.want {
				t.Errorf("%q became %s, want %s", row.text, got, row.want)
			}
		})
	}
}

func TestToAnOfficerCourtesyIsTheAnswer(t *testing.T) {
	e := engine(t)
	s, fx := e.Step(opened(t, e), conversation.StaffQuestion{Ticket: conversation.NewNumber(42, 10001), Text: "Apakah sudah diperbaiki?", By: "pupr"}, morning)
	if fx.Refused != "" || !strings.Contains(fx.Replies[0].Text, "1000-1421") {
		t.Fatalf("%+v", fx)
	}
	for _, text := range []string{"sudah", "ya", "tidak", "belum pak", "5", "tidak tahu", "ok", "terima kasih", "bantul", "batak", "3 lampu", "stat"} {
		_, fx := e.Step(s, conversation.SMS{Text: text, NewNumber: conversation.NewNumber(42, 10002)}, morning.Add(time.Minute))
		if got := outcome(fx); got != "answered" {
			t.Errorf("%q became %s, want answered", text, got)
		}
	}
	for text, want := range map[string]string{"stop": "stopped", "cek": "status_one", "LAPOR sampah": "complaint", "bantuan": "help", "10001421": "status_one", "?": "help"} {
		_, fx := e.Step(s, conversation.SMS{Text: text, NewNumber: conversation.NewNumber(42, 10002)}, morning.Add(time.Minute))
		if got := outcome(fx); got != want {
			t.Errorf("%q became %s, want %s", text, got, want)
		}
	}
}

func TestMarks(t *testing.T) {
	e := engine(t)
	s, _ := e.Step(opened(t, e), conversation.StaffStatus{Ticket: conversation.NewNumber(42, 10001), Status: conversation.Resolved, Notify: true, By: "pupr"}, morning)
	for text, want := range map[string]string{
		"5": "rated", "nilai 4": "rated", "bintang 5": "rated", "5 bintang": "rated", "puas": "rated", "sangat puas": "rated", "Puas pak, makasih": "rated",
		"1": "rated", "tidak puas": "rated", "5 mantap sekali": "rated", "3 terima kasih": "rated", "4 pak, bagus": "rated",
		"2 masih mati": "reopened", "tidak puas lampu masih mati": "reopened", "belum": "reopened", "BELUM pak": "reopened", "gak": "reopened", "tidak": "reopened",
		"Tidak ada air 3 hari": "reopened", "no": "reopened",
		"3 lampu masih mati": "added", "1 minggu belum diangkut": "added", "2x seminggu padam": "added", "5 jam padam lagi": "added", "10": "added",
		"masih rusak pak": "added", "puas apanya": "added",
		"tidak tahu": "again", "ok": "again", "terima kasih": "again", "ya": "again",
		"LAPOR sampah": "complaint",
	} {
		_, fx := e.Step(s, conversation.SMS{Text: text, NewNumber: conversation.NewNumber(42, 10002)}, morning.Add(time.Minute))
		got := outcome(fx)
		for _, ev := range fx.Events {
			if ev.Type == conversation.EventReopened {
				got = "reopened"
			}
		}
		if got != want {
			t.Errorf("%q became %s, want %s", text, got, want)
		}
	}
}
