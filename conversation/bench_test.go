package conversation_test

import (
	"testing"

	"aduan/conversation"
)

// BenchmarkStep files a long complaint: parse, guess, questions, reply.
func BenchmarkStep(b *testing.B) {
	e := engine(b)
	in := conversation.SMS{
		Text:      "Assalamualaikum pak, saya mau lapor jalan provinsi di depan pasar rusak parah sudah 3 bulan tidak diperbaiki, banyak yang jatuh, truk tambang lewat terus siang malam",
		NewNumber: conversation.NewNumber(42, 10001),
	}
	b.ReportAllocs()
	for b.Loop() {
		e.Step(conversation.State{}, in, morning)
	}
}

// BenchmarkStepAnswer answers a question of a citizen with a ticket.
func BenchmarkStepAnswer(b *testing.B) {
	e := engine(b)
	s, _ := e.Step(conversation.State{}, conversation.SMS{Text: "LAPOR jalan rusak", NewNumber: conversation.NewNumber(42, 10001)}, morning)
	in := conversation.SMS{Text: "RT 3 RW 4 Kel Sukamaju", NewNumber: conversation.NewNumber(42, 10002)}
	b.ReportAllocs()
	for b.Loop() {
		e.Step(s, in, morning)
	}
}
