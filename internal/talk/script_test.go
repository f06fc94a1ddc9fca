package talk_test

import (
	"os"
	"strings"
	"testing"

	"aduan/internal/talk"
)

func TestAScriptIsReadWholeOrRefusedInWords(t *testing.T) {
	for _, tc := range []struct{ name, script, err string }{
		{"a step is exactly one thing", "- {name: a, steps: [{sms: x, echo: true}]}", "there are 2"},
		{"an unknown key is an error", "- {name: a, steps: [{sms: x, expekt: {}}]}", "expekt"},
		{"an unknown fact is an error", "- {name: a, steps: [{sms: x}], end: {$a: {colour: red}}}", "colour"},
		{"a name is used once", "- {name: a, steps: [{sms: x}]}\n- {name: a, steps: [{sms: x}]}", "two dialogues"},
		{"a span of time has a unit", "- {name: a, steps: [{advance: 10}]}", "no span of time"},
		{"an empty file is no script", "", "no dialogue"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := talk.ReadScript(strings.NewReader(tc.script))
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("error %v, want one with %q", err, tc.err)
			}
		})
	}
}

func TestTheAcceptanceDialoguesAreRead(t *testing.T) {
	f, err := os.Open("../../conversation/testdata/dialogues.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ds, err := talk.ReadScript(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(ds) < 90 {
		t.Fatalf("%d dialogues, the file has more", len(ds))
	}
}
