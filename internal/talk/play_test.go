package talk_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aduan/configs/words"
	"aduan/conversation"
	"aduan/internal/talk"
	"aduan/internal/testenv"
	"aduan/smpp/gsm7"
	"aduan/smpp/segment"
)

func options(t *testing.T) talk.Options {
	t.Helper()
	w, err := conversation.LoadWords(gsm7.Len, words.FS)
	if err != nil {
		t.Fatal(err)
	}
	loc, err := time.LoadLocation("Asia/Jakarta")
	if err != nil {
		t.Fatal(err)
	}
	e, err := conversation.New(conversation.Options{
		ShortCode: "1708", Language: "id", Location: loc, Words: w,
		Segments: func(text string) int { _, n, _ := segment.Count(text); return n },
	})
	if err != nil {
		t.Fatal(err)
	}
	return talk.Options{Engine: e, Location: loc, ShortCode: "1708", Region: "ID", SegmentsTimeout: 10 * time.Minute}
}

func play(t *testing.T, script string) []string {
	t.Helper()
	ds, err := talk.ReadScript(strings.NewReader(script))
	if err != nil {
		t.Fatal(err)
	}
	problems, err := talk.Play(t.Context(), options(t), ds[0])
	if err != nil {
		t.Fatal(err)
	}
	return problems
}

// The whole way of a message but the network: intake, turn, sender and timers
// on the embedded store, with its clock set by hand.
func TestTheDialoguesHold(t *testing.T) {
	o := options(t)
	files := dialogueFiles(t)
	if testenv.Race { // a store in memory for each takes ten times as long; the daemon plays them all
		files = files[len(files)-1:]
	}
	for _, file := range files {
		for _, d := range read(t, file) {
			t.Run(d.Name, func(t *testing.T) {
				t.Parallel()
				problems, err := talk.Play(t.Context(), o, d)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range problems {
					t.Error(p)
				}
			})
		}
	}
}

// dialogueFiles are the acceptance dialogues and our own.
func dialogueFiles(t *testing.T) []string {
	t.Helper()
	own, err := filepath.Glob("../../conversation/testdata/dialogues/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return append(own, "../../conversation/testdata/dialogues.yaml")
}

func read(t *testing.T, file string) []talk.Dialogue {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ds, err := talk.ReadScript(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return ds
}

// Names are unique over all files: a failure is found by its name.
func TestThereAreManyDialoguesEachWithAName(t *testing.T) {
	seen, own := map[string]string{}, 0
	for _, file := range dialogueFiles(t) {
		for _, d := range read(t, file) {
			if other, ok := seen[d.Name]; ok {
				t.Errorf("%q stands in %s and in %s", d.Name, other, file)
			}
			if d.About == "" {
				t.Errorf("%s: %q belongs to no group", file, d.Name)
			}
			seen[d.Name] = file
			if filepath.Base(file) != "dialogues.yaml" {
				own++
			}
		}
	}
	if own < 150 {
		t.Errorf("%d dialogues of our own, 150 are promised", own)
	}
}

func TestADifferenceIsTold(t *testing.T) {
	for _, tc := range []struct{ name, script, want string }{
		{"a ticket that did not come", `[{name: a, steps: [{sms: "CEK", expect: {ticket: $a}}]}]`, "ticket $a is not named"},
		{"an answer that should not come", `[{name: a, steps: [{sms: "LAPOR jalan rusak", expect: {replies: 0}}]}]`, "1 SMS came, want 0"},
		{"another question", `[{name: a, steps: [{sms: "LAPOR jalan rusak", expect: {asks: rating}}]}]`, `asks "location", want "rating"`},
		{"another fact", `[{name: a, steps: [{sms: "LAPOR jalan rusak", expect: {ticket: $a}}], end: {$a: {texts: 2}}}]`, "texts 1, want 2"},
		{"another number of tickets", `[{name: a, steps: [{sms: "LAPOR jalan rusak"}], end: {tickets: 0}}]`, "1 tickets, want 0"},
		{"other events", `[{name: a, steps: [{sms: "LAPOR jalan rusak"}], end: {events: []}}]`, "events [complaint.filed], want []"},
		{"another language", `[{name: a, steps: [{sms: "LAPOR jalan rusak", expect: {language: en}}]}]`, `language "id", want "en"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			problems := play(t, tc.script)
			if len(problems) == 0 || !strings.Contains(strings.Join(problems, "\n"), tc.want) {
				t.Fatalf("problems %q, want one with %q", problems, tc.want)
			}
		})
	}
}

func TestALongSMSIsOneTextOfItsTicket(t *testing.T) {
	long := "LAPOR " + strings.Repeat("jalan rusak di depan pasar Minggu, ", 12)
	problems := play(t, `[{name: a, steps: [{sms: "`+long+`", expect: {ticket: $a}}], end: {tickets: 1, $a: {texts: 1, missing: false, has: ["`+long+`"]}}}]`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
}

func TestAConversationAtTheTerminal(t *testing.T) {
	c, err := talk.NewConversation(t.Context(), options(t), time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := c.Say(t.Context(), "LAPOR jalan rusak di depan pasar Minggu")
	if err != nil || len(got.SMS) != 1 || len(got.Effects) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	before := c.Now()
	if _, err := c.Advance(t.Context(), 25*time.Hour); err != nil {
		t.Fatal(err)
	}
	if c.Now().Sub(before) < 25*time.Hour {
		t.Fatalf("the clock went %v", c.Now().Sub(before))
	}
}

// What was typed at the terminal, with what came of it, is a script that passes.
func TestAConversationIsRecordedAsADialogueThatPasses(t *testing.T) {
	ctx, o := t.Context(), options(t)
	c, err := talk.NewConversation(ctx, o, time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var number string
	for _, do := range []func() (talk.Outcome, error){
		func() (talk.Outcome, error) { return c.Say(ctx, "jalan \"rusak\" parah: RT 3 {sekali}") },
		func() (talk.Outcome, error) { return c.Say(ctx, "LAPOR lampu jalan mati") },
		func() (talk.Outcome, error) { return c.Say(ctx, "cek "+strings.ReplaceAll(number, "-", " ")) },
		func() (talk.Outcome, error) { return c.Ask(ctx, 0, "Sejak kapan?") },
		func() (talk.Outcome, error) { return c.Say(ctx, "kemarin") },
		func() (talk.Outcome, error) { return c.Advance(ctx, 36*time.Hour) },
		func() (talk.Outcome, error) { return c.Staff(ctx, 0, "resolved", "Sudah diganti") },
		func() (talk.Outcome, error) { return c.Say(ctx, "5") },
		func() (talk.Outcome, error) { return c.Staff(ctx, 0, "in_progress", "lagi") },
	} {
		out, err := do()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.SMS {
			if n := conversation.NumbersIn(r.Text); len(n) > 0 {
				number = n[0].String()
			}
		}
	}
	if err := c.Become("sari"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Say(ctx, "cek "+number); err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	if err := c.Record(ctx, &script, "recorded"); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(script.String(), number) {
		t.Errorf("the number of this conversation stands in the script:\n%s", script.String())
	}
	if problems := play(t, script.String()); len(problems) > 0 {
		t.Errorf("%q\n%s", problems, script.String())
	}
}

func TestAnErasedCitizenIsGoneAndMayComeBack(t *testing.T) {
	problems := play(t, `
- name: erased
  steps:
    - {sms: "Lapor banjir di RT 7 RW 7", expect: {ticket: $a}}
    - {sms: "HAPUS", expect: {asks: confirm}}
    - {sms: "YA", expect: {asks: none}}
    - advance: 25h
    - check: {warga: {erased: true}, $a: {texts: 0, lacks: ["banjir"]}, events: [complaint.filed, citizen.erased]}
    - {staff: {ticket: $a, status: resolved, note: "Surut"}, expect: {refused: erased}}
    - {sms: "CEK {$a}", expect: {ticket: none}}
    - {sms: "Lapor sampah di RT 7 RW 7", expect: {ticket: $b}}
  end: {warga: {erased: false}, $b: {texts: 1}, tickets: 2}
`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
}
