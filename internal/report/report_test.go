package report_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aduan/conversation"
	"aduan/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

var jakarta = time.FixedZone("WIB", 7*3600)

// noon is the middle of the day that is told of.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, jakarta)

func options() report.Options {
	from, to := report.Day(noon, jakarta)
	return report.Options{From: from, To: to, Now: to.Add(7 * time.Hour), Late: 3}
}

// tickets of a day: most are answered, some by an agency whose name a spreadsheet would take for a formula.
func tickets() []conversation.Ticket {
	var all []conversation.Ticket
	add := func(t conversation.Ticket) {
		t.Number = conversation.NewNumber(7, uint64(10001+len(all)))
		all = append(all, t)
	}
	for i := range 10 { // verified after 1 to 10 hours, half of them answered twice as long after filing
		t := conversation.Ticket{FiledAt: noon.Add(-time.Duration(i+1) * time.Hour), VerifiedAt: noon, Category: "road", Agency: "Dinas PU", Status: conversation.Verified}
		if i < 5 {
			t.AnsweredAt = t.FiledAt.Add(time.Duration(2*(i+1)) * time.Hour)
			t.Status = conversation.InProgress
		}
		add(t)
	}
	for i := range 4 {
		add(conversation.Ticket{
			FiledAt: noon.AddDate(0, 0, -6), VerifiedAt: noon.AddDate(0, 0, -5), Category: "waste", Agency: `=HYPERLINK("http://x")`,
			Status: conversation.Forwarded, Limit: conversation.LimitAnswer, DueAt: noon.Add(-time.Duration(i) * time.Hour), Urgent: i == 0,
		})
	}
	add(conversation.Ticket{
		FiledAt: noon.AddDate(0, 0, -2), VerifiedAt: noon.AddDate(0, 0, -1), AnsweredAt: noon.AddDate(0, 0, -1), ClosedAt: noon, StatusAt: noon,
		Category: "road", Agency: "Dinas PU", Status: conversation.Closed, Rating: 5,
	})
	add(conversation.Ticket{
		FiledAt: noon.AddDate(0, 0, -2), AnsweredAt: noon.AddDate(0, 0, -1), StatusAt: noon, ReopenedAt: noon,
		Category: "health", Status: conversation.Reopened, Rating: 2,
	})
	add(conversation.Ticket{FiledAt: noon.AddDate(-1, 0, 0), ClosedAt: noon.AddDate(-1, 0, 1), Category: "crime", Agency: "Polres", Status: conversation.Closed})
	return all
}

func built(o report.Options) report.Report {
	b := report.New(o)
	for _, t := range tickets() {
		b.Add(&t)
	}
	b.Surge(report.Surge{At: noon, Category: "food_drug", Place: "+kec beji", Count: 23, Usual: .4})
	b.Surge(report.Surge{At: noon.AddDate(0, 0, -3), Category: "power", Count: 50})
	return b.Report()
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := "testdata/" + name
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestAReportForSpreadsheetsAndForPeople(t *testing.T) {
	r := built(options())
	var table, people bytes.Buffer
	if err := r.CSV(&table); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.csv", table.Bytes())
	if err := r.Table(&people, jakarta, func(s string) string { return s }); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", people.Bytes())
}

func TestAReportOfAnAgencyKnowsNothingOfTheOthers(t *testing.T) {
	o := options()
	o.Agency = "Dinas PU"
	r := built(o)
	if len(r.Agencies) != 1 || r.Line.Received != 10 || r.Line.Overdue != 0 || len(r.Surges) != 0 || len(r.Late) != 0 {
		t.Errorf("%+v", r)
	}
	if s := fmt.Sprintf("%+v", r); strings.Contains(s, "waste") || strings.Contains(s, "HYPERLINK") {
		t.Errorf("another's is told: %s", s)
	}
}

func TestSmallGroupsAreHidden(t *testing.T) {
	hidden := func(r report.Report) string {
		var names []string
		for _, c := range r.Categories {
			if c.Hidden {
				names = append(names, c.Name)
				if c.Received+c.Open+c.Overdue+c.Closed != 0 || c.Verify.Median != nil {
					t.Errorf("%+v", c)
				}
			}
		}
		return strings.Join(names, " ")
	}
	o := options()
	if got := hidden(built(o)); got != "health waste" {
		t.Errorf("hidden: %s", got)
	}
	b := report.New(o)
	for i, t := range tickets() {
		if t.Category = "road"; i < 4 {
			t.Category = "waste"
		}
		b.Add(&t)
	}
	if got := hidden(b.Report()); got != "road waste" {
		t.Errorf("one alone is hidden, and the sum tells it: %s", got)
	}
	o.Small = true
	if got := hidden(built(o)); got != "" {
		t.Errorf("hidden: %s", got)
	}
}

func TestNoTicketsMakeAReportToo(t *testing.T) {
	r := report.New(options()).Report()
	if r.Agencies == nil || r.Categories == nil || r.Surges == nil || r.Line.Verify.Median != nil || r.Line.Rating != nil {
		t.Errorf("%+v", r)
	}
}

func TestTheTimeOfAReport(t *testing.T) {
	now := time.Date(2026, 11, 23, 1, 30, 0, 0, jakarta)
	const form = "01-02 15:04"
	for _, c := range []struct{ name, day, from, to, want string }{
		{"nothing: yesterday", "", "", "", "11-22 00:00 11-23 00:00"},
		{"a day", "2026-11-20", "", "", "11-20 00:00 11-21 00:00"},
		{"from a day on", "", "2026-11-20", "", "11-20 00:00 11-23 01:30"},
		{"from day to day", "", "2026-11-01", "2026-11-20", "11-01 00:00 11-21 00:00"},
		{"from moment to moment", "", "2026-11-20T00:00:00Z", "2026-11-20T01:00:00Z", "11-20 07:00 11-20 08:00"},
		{"a day and more", "2026-11-20", "2026-11-01", "", "give a day, or from and to: not both"},
		{"only an end", "", "", "2026-11-20", "from: write it as 2026-11-23"},
		{"backwards", "", "2026-11-20", "2026-11-01", "the time ends before it begins"},
		{"no day", "20/11/2026", "", "", "day: write it as 2026-11-23"},
		{"no moment", "", "yesterday", "", "from: write it as 2026-11-23, or 2026-11-23T09:00:00Z"},
	} {
		from, to, err := report.Period(c.day, c.from, c.to, now, jakarta)
		got := from.In(jakarta).Format(form) + " " + to.In(jakarta).Format(form)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestACellIsNeverAFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "cell")
		cell := report.Cell(s)
		if cell != "" && strings.ContainsRune("=+-@\t\r\x00", rune(cell[0])) {
			t.Fatalf("%q", cell)
		}
		var out bytes.Buffer
		w := csv.NewWriter(&out)
		w.UseCRLF = true
		_ = w.Write([]string{cell, "x"})
		w.Flush()
		back, err := csv.NewReader(&out).Read()
		if err != nil || len(back) != 2 || back[0] != strings.ReplaceAll(cell, "\r", "") {
			t.Fatalf("%q comes back as %q, %v", cell, back, err)
		}
	})
}

// The percentiles are those of the whole list, however it came.
func TestTimesAreMedianAndNearestRank(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hours := rapid.SliceOfN(rapid.IntRange(0, 500), 1, 200).Draw(t, "hours")
		b := report.New(report.Options{From: noon, To: noon.AddDate(1, 0, 0), Now: noon})
		for _, h := range hours {
			b.Add(&conversation.Ticket{FiledAt: noon, VerifiedAt: noon.Add(time.Duration(h) * time.Hour), Status: conversation.Verified})
		}
		r := b.Report().Line
		below := func(f float64) (n int) {
			for _, h := range hours {
				if float64(h) <= f {
					n++
				}
			}
			return n
		}
		if n := below(*r.Verify.P90); n*10 < len(hours)*9 {
			t.Fatalf("%d of %d are below the 90th percentile %v", n, len(hours), *r.Verify.P90)
		}
		if n := below(*r.Verify.Median); n*2 < len(hours) {
			t.Fatalf("%d of %d are below the median %v", n, len(hours), *r.Verify.Median)
		}
	})
}
