package conversation_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"aduan/configs/words"
	"aduan/conversation"
	"aduan/smpp/gsm7"
)

// clockEngine is an engine in a zone, with holidays laid over the shipped ones.
func clockEngine(t *testing.T, zone, holidays string) (*conversation.Engine, *time.Location) {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	w, err := conversation.LoadWords(gsm7.Len, words.FS, fstest.MapFS{"holidays.yaml": {Data: []byte(holidays)}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := conversation.New(conversation.Options{ShortCode: "1708", Language: "id", Location: loc, Words: w, Segments: segments})
	if err != nil {
		t.Fatal(err)
	}
	return e, loc
}

// struck plays a state's timers until nothing is due before end, and returns
// each ticket event with its local time.
func struck(t *testing.T, e *conversation.Engine, s conversation.State, loc *time.Location, end time.Time) (conversation.State, []string) {
	t.Helper()
	var all []string
	for at := s.TickAt(); !at.IsZero() && !at.After(end); at = s.TickAt() {
		var fx conversation.Effects
		s, fx = e.Step(s, conversation.Tick{}, at)
		if len(fx.Replies) > 0 {
			t.Fatalf("a timer sent an SMS: %s", fx.Replies[0].Text)
		}
		for _, ev := range fx.Events {
			all = append(all, at.In(loc).Format("Mon 2006-01-02 15:04 ")+ev.Type)
		}
		if next := s.TickAt(); !next.IsZero() && !next.After(at) {
			t.Fatalf("what fell due at %v is due again", at)
		}
	}
	return s, all
}

const noHoliday = "holidays:\n  2001-01-01: long ago\n"

func TestTheOfficesLimitsAreCountedInWorkingDays(t *testing.T) {
	for _, tc := range []struct {
		name, zone, holidays, filed string
		want                        []string
	}{
		{
			"on a Monday: three days on is Thursday", "Asia/Jakarta", noHoliday, "2026-02-02 10:30",
			[]string{"Wed 2026-02-04 10:30 ticket.reminder", "Thu 2026-02-05 10:30 ticket.overdue", "Mon 2026-02-09 10:30 ticket.escalated"},
		},
		{
			"on a Friday: the weekend does not count", "Asia/Jakarta", noHoliday, "2026-02-06 16:00",
			[]string{"Tue 2026-02-10 16:00 ticket.reminder", "Wed 2026-02-11 16:00 ticket.overdue", "Fri 2026-02-13 16:00 ticket.escalated"},
		},
		{
			"on a Saturday: counted from Monday's first minute", "Asia/Jakarta", noHoliday, "2026-02-07 22:15",
			[]string{"Wed 2026-02-11 00:00 ticket.reminder", "Thu 2026-02-12 00:00 ticket.overdue", "Mon 2026-02-16 00:00 ticket.escalated"},
		},
		{
			"the shipped holidays: Imlek on a Tuesday", "Asia/Jakarta", noHoliday, "2026-02-13 09:00",
			[]string{"Wed 2026-02-18 09:00 ticket.reminder", "Thu 2026-02-19 09:00 ticket.overdue", "Mon 2026-02-23 09:00 ticket.escalated"},
		},
		{
			"a holiday taken back by a later file", "Asia/Jakarta", "holidays:\n  2026-02-17: \"-\"\n", "2026-02-13 09:00",
			[]string{"Tue 2026-02-17 09:00 ticket.reminder", "Wed 2026-02-18 09:00 ticket.overdue", "Fri 2026-02-20 09:00 ticket.escalated"},
		},
		{
			"joint leave added by a later file", "Asia/Jakarta", "holidays:\n  2026-02-03: Cuti bersama\n  2026-02-04: Cuti bersama\n", "2026-02-02 10:00",
			[]string{"Fri 2026-02-06 10:00 ticket.reminder", "Mon 2026-02-09 10:00 ticket.overdue", "Wed 2026-02-11 10:00 ticket.escalated"},
		},
		{
			"another weekend", "Asia/Riyadh", "holidays:\n  2001-01-01: long ago\nweekend: [friday, saturday]\n", "2026-02-04 10:00",
			[]string{"Sun 2026-02-08 10:00 ticket.reminder", "Mon 2026-02-09 10:00 ticket.overdue", "Wed 2026-02-11 10:00 ticket.escalated"},
		},
		{
			"over the night when clocks go forward", "Europe/Berlin", noHoliday, "2026-03-26 10:00",
			[]string{"Mon 2026-03-30 10:00 ticket.reminder", "Tue 2026-03-31 10:00 ticket.overdue", "Thu 2026-04-02 10:00 ticket.escalated"},
		},
		{
			"over the night when clocks go back", "America/New_York", noHoliday, "2026-10-29 23:30",
			[]string{"Mon 2026-11-02 23:30 ticket.reminder", "Tue 2026-11-03 23:30 ticket.overdue", "Thu 2026-11-05 23:30 ticket.escalated"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, loc := clockEngine(t, tc.zone, tc.holidays)
			filed, err := time.ParseInLocation("2006-01-02 15:04", tc.filed, loc)
			if err != nil {
				t.Fatal(err)
			}
			s, _ := e.Step(conversation.State{}, conversation.SMS{Text: "Lapor lampu jalan mati di RT 3", NewNumber: conversation.NewNumber(42, 10001)}, filed)
			s, got := struck(t, e, s, loc, filed.AddDate(0, 2, 0))
			if !slices.Equal(got, tc.want) {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
			if !s.TickAt().IsZero() {
				t.Errorf("something is still due: %v", s.TickAt())
			}
		})
	}
}

// Each status starts, goes on with, or ends a clock.
func TestAStatusChangesTheClock(t *testing.T) {
	e, loc := clockEngine(t, "Asia/Jakarta", noHoliday)
	n := conversation.NewNumber(42, 10001)
	monday := time.Date(2026, 2, 2, 9, 0, 0, 0, loc)
	agency := func(a string) *string { return &a }
	for _, tc := range []struct {
		name  string
		steps []conversation.Input // one on each day from Tuesday on
		want  []string             // until Friday of the week after
	}{
		{
			"verified in time, then no answer in five days",
			[]conversation.Input{conversation.StaffStatus{Ticket: n, Status: conversation.Verified}},
			[]string{"Mon 2026-02-09 09:00 ticket.reminder", "Tue 2026-02-10 09:00 ticket.overdue", "Thu 2026-02-12 09:00 ticket.escalated"},
		},
		{
			"forwarded a day later: five days from then",
			[]conversation.Input{conversation.StaffStatus{Ticket: n, Status: conversation.Verified}, conversation.StaffStatus{Ticket: n, Status: conversation.Forwarded}},
			[]string{"Tue 2026-02-10 09:00 ticket.reminder", "Wed 2026-02-11 09:00 ticket.overdue", "Fri 2026-02-13 09:00 ticket.escalated"},
		},
		{
			"the same status once more does not win time",
			[]conversation.Input{conversation.StaffStatus{Ticket: n, Status: conversation.Verified}, conversation.StaffStatus{Ticket: n, Status: conversation.Verified, Note: "sabar"}},
			[]string{"Mon 2026-02-09 09:00 ticket.reminder", "Tue 2026-02-10 09:00 ticket.overdue", "Thu 2026-02-12 09:00 ticket.escalated"},
		},
		{
			"forwarded to another institution, which begins anew",
			[]conversation.Input{
				conversation.StaffStatus{Ticket: n, Status: conversation.Forwarded, Agency: agency("pln")},
				conversation.StaffStatus{Ticket: n, Status: conversation.Forwarded, Agency: agency("pupr")},
			},
			[]string{"Tue 2026-02-10 09:00 ticket.reminder", "Wed 2026-02-11 09:00 ticket.overdue", "Fri 2026-02-13 09:00 ticket.escalated"},
		},
		{"in progress is an answer", []conversation.Input{conversation.StaffStatus{Ticket: n, Status: conversation.InProgress}}, nil},
		{"rejected is an answer", []conversation.Input{conversation.StaffStatus{Ticket: n, Status: conversation.Rejected}}, nil},
		{
			"reopened by the citizen: five days anew",
			[]conversation.Input{
				conversation.StaffStatus{Ticket: n, Status: conversation.Resolved, Notify: true},
				conversation.SMS{Text: "belum, masih rusak"},
			},
			[]string{"Tue 2026-02-10 09:00 ticket.reminder", "Wed 2026-02-11 09:00 ticket.overdue", "Fri 2026-02-13 09:00 ticket.escalated"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, _ := e.Step(conversation.State{}, conversation.SMS{Text: "Lapor jalan rusak di RT 3", NewNumber: n}, monday)
			for i, in := range tc.steps {
				var fx conversation.Effects
				if s, fx = e.Step(s, in, monday.AddDate(0, 0, i+1)); fx.Refused != "" {
					t.Fatalf("refused: %s", fx.Refused)
				}
			}
			_, got := struck(t, e, s, loc, monday.AddDate(0, 0, 11).Add(12*time.Hour))
			if !slices.Equal(got, tc.want) {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

// The citizen's ten days are of the calendar: holidays and weekends count, and
// the hour is that of the clock on the wall.
func TestTheCitizensDaysAreOfTheCalendar(t *testing.T) {
	e, loc := clockEngine(t, "Europe/Berlin", noHoliday)
	n := conversation.NewNumber(42, 10001)
	friday := time.Date(2026, 3, 20, 9, 0, 0, 0, loc)
	s, _ := e.Step(conversation.State{}, conversation.SMS{Text: "Lapor jalan rusak di RT 3", NewNumber: n}, friday)
	s, _ = e.Step(s, conversation.StaffStatus{Ticket: n, Status: conversation.Resolved, Notify: true}, friday.Add(time.Hour))
	_, got := struck(t, e, s, loc, friday.AddDate(0, 1, 0))
	if want := []string{"Sun 2026-03-29 10:00 ticket.reminder", "Mon 2026-03-30 10:00 ticket.status"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAnOfficersQuestionIsRemindedOfAndThenGivenUp(t *testing.T) {
	e, loc := clockEngine(t, "Asia/Jakarta", noHoliday)
	n := conversation.NewNumber(42, 10001)
	friday := time.Date(2026, 2, 6, 9, 0, 0, 0, loc)
	s, _ := e.Step(conversation.State{}, conversation.SMS{Text: "Lapor jalan rusak di RT 3", NewNumber: n}, friday)
	s, _ = e.Step(s, conversation.StaffStatus{Ticket: n, Status: conversation.InProgress}, friday)
	s, _ = e.Step(s, conversation.StaffQuestion{Ticket: n, Text: "Berapa meter?", By: "pupr"}, friday)
	_, got := struck(t, e, s, loc, friday.AddDate(0, 1, 0))
	if want := []string{"Sun 2026-02-15 09:00 ticket.reminder", "Mon 2026-02-16 09:00 ticket.unanswered"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	answered, _ := e.Step(s, conversation.SMS{Text: "20 meter"}, friday.Add(time.Hour))
	if _, got := struck(t, e, answered, loc, friday.AddDate(0, 1, 0)); len(got) != 0 {
		t.Errorf("answered: %q", got)
	}
}

// Whoever was away when a limit came near and passed is told of what stands,
// each once, and of nothing that has been overtaken.
func TestClocksThatStruckWhileNobodyLooked(t *testing.T) {
	e, loc := clockEngine(t, "Asia/Jakarta", noHoliday)
	monday := time.Date(2026, 2, 2, 9, 0, 0, 0, loc)
	s, _ := e.Step(conversation.State{}, conversation.SMS{Text: "Lapor jalan rusak di RT 3", NewNumber: conversation.NewNumber(42, 10001)}, monday)
	s, fx := e.Step(s, conversation.Tick{}, monday.AddDate(0, 0, 30))
	var got []string
	for _, ev := range fx.Events {
		got = append(got, ev.Type)
	}
	if want := []string{conversation.EventOverdue, conversation.EventEscalated}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !s.Tickets[0].Overdue(monday.AddDate(0, 0, 31)) || s.Tickets[0].Overdue(monday.AddDate(0, 0, 2)) {
		t.Error("overdue is not told from in time")
	}
}

// A state of a release that knew no clocks: they begin where the status did.
func TestTheClocksOfAnOldStateAreWoundUp(t *testing.T) {
	e, loc := clockEngine(t, "Asia/Jakarta", noHoliday)
	old := `{"v":1,"t":[{"n":10001421,"k":"complaint","s":"filed","f":"2026-02-02T02:00:00Z","sa":"2026-02-02T02:00:00Z"}]}`
	s, err := conversation.DecodeState([]byte(old))
	if err != nil {
		t.Fatal(err)
	}
	s, _ = e.Step(s, conversation.SMS{Text: "cek"}, time.Date(2026, 2, 3, 9, 0, 0, 0, loc))
	_, got := struck(t, e, s, loc, time.Date(2026, 3, 3, 9, 0, 0, 0, loc))
	want := []string{"Wed 2026-02-04 09:00 ticket.reminder", "Thu 2026-02-05 09:00 ticket.overdue", "Mon 2026-02-09 09:00 ticket.escalated"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHolidaysWrittenWrongAreTold(t *testing.T) {
	for text, want := range map[string]string{
		"holidays:\n  17 Agustus: Kemerdekaan\n":           `x.yaml:2: holiday "17 Agustus": not a date`,
		"holidays:\n  2026-08-17: \"\"\n":                  "x.yaml:2: holiday 2026-08-17: it has no name",
		"holidays:\n  2026-08-17: x\nweekend: [sonntag]\n": `x.yaml:3: weekend: "sonntag" is no day`,
		"holidays:\n  2026-08-17: x\nweekend: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]\n": "x.yaml:3: weekend: it has all seven days",
	} {
		_, err := conversation.LoadWords(gsm7.Len, words.FS, fstest.MapFS{"x.yaml": {Data: []byte(text)}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}
