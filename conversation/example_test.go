package conversation_test

import (
	"fmt"
	"time"

	"aduan/configs/words"
	"aduan/conversation"
	"aduan/smpp/gsm7"
)

// A citizen texts, and reads a ticket number with the first question.
func ExampleEngine_Step() {
	loaded, err := conversation.LoadWords(gsm7.Len, words.FS)
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := conversation.New(conversation.Options{Language: "id", Words: loaded})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)
	state, effects := engine.Step(conversation.State{}, conversation.SMS{
		Text: "LAPOR jalan rusak di depan pasar", NewNumber: conversation.NewNumber(42, 10001),
	}, now)
	fmt.Println(effects.Replies[0].Text)
	fmt.Println(state.Asks())
	fmt.Println(effects.Tickets[0].Category)
	// Output:
	// Laporan 1000-1421 diterima. Di mana lokasinya? Sebut jalan, RT/RW, kelurahan, kecamatan.
	// location 1000-1421
	// road
}
