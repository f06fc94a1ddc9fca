package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Columns are those of the CSV form, in order.
var columns = []string{
	"group", "name", "received", "verified", "answered", "closed", "reopened", "open", "overdue",
	"verify_median_hours", "verify_p90_hours", "answer_median_hours", "answer_p90_hours", "close_median_hours", "close_p90_hours",
	"rated", "rating_mean",
}

// CSV writes the rows as RFC 4180 has it: lines end with CR LF. A cell that a spreadsheet would take for a formula begins with
// an apostrophe.
func (r Report) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(columns); err != nil {
		return err
	}
	write := func(group string, rows ...Row) error {
		for _, row := range rows {
			if err := out.Write(row.cells(group)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := write("line", r.Line); err != nil {
		return err
	}
	if err := write("agency", r.Agencies...); err != nil {
		return err
	}
	if err := write("category", r.Categories...); err != nil {
		return err
	}
	for _, s := range r.Surges {
		row := make([]string, len(columns))
		row[0], row[1], row[2] = "surge", Cell(s.Category+" "+s.Place), strconv.Itoa(s.Count)
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// Cell makes a text safe for spreadsheets: one that begins with = + - @, a tab, a carriage return or NUL gets an apostrophe
// before it, so that it is never a formula.
func Cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\x00", rune(s[0])) {
		return "'" + s
	}
	return s
}

func (r Row) cells(group string) []string {
	cells := make([]string, len(columns))
	cells[0], cells[1] = group, Cell(r.Name)
	if r.Hidden {
		cells[2] = "<" + strconv.Itoa(small)
		return cells
	}
	for i, n := range []int{r.Received, r.Verified, r.Answered, r.Closed, r.Reopened, r.Open, r.Overdue} {
		cells[2+i] = strconv.Itoa(n)
	}
	for i, f := range []*float64{r.Verify.Median, r.Verify.P90, r.Answer.Median, r.Answer.P90, r.Close.Median, r.Close.P90} {
		cells[9+i] = number(f, "")
	}
	cells[15], cells[16] = strconv.Itoa(r.Rated), number(r.Rating, "")
	return cells
}

func number(f *float64, none string) string {
	if f == nil {
		return none
	}
	return strconv.FormatFloat(*f, 'f', 1, 64)
}

// Table writes the report for people. name shows a text on a terminal: nothing in it may be a control character.
func (r Report) Table(w io.Writer, loc *time.Location, name func(string) string) error {
	form := "2006-01-02 15:04"
	if _, err := fmt.Fprintf(w, "from %s to %s (%s), counted %s\n\n", r.From.In(loc).Format(form), r.To.In(loc).Format(form), loc, r.At.In(loc).Format(form)); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	rows := func(title, none string, list []Row) {
		fmt.Fprintf(t, "%s\treceived\tverified\tanswered\tclosed\treopened\topen\toverdue\tverify h\tanswer h\tclose h\trating\n", title)
		for _, row := range list {
			label := name(row.Name)
			if label == "" {
				label = none
			}
			if row.Hidden {
				fmt.Fprintf(t, "%s\t<%d%s\n", label, small, strings.Repeat("\t", 10))
				continue
			}
			rating := "-"
			if row.Rating != nil {
				rating = fmt.Sprintf("%.1f (%d)", *row.Rating, row.Rated)
			}
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", label, row.Received, row.Verified, row.Answered,
				row.Closed, row.Reopened, row.Open, row.Overdue, row.Verify, row.Answer, row.Close, rating)
		}
		fmt.Fprintln(t)
	}
	rows("LINE", "all", []Row{r.Line})
	rows("AGENCY", "(triage desk)", r.Agencies)
	rows("CATEGORY", "(none)", r.Categories)
	if len(r.Surges) > 0 {
		fmt.Fprintln(t, "SURGE\tcategory\tplace\tin the hour\tusual")
		for _, s := range r.Surges {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%.1f\n", s.At.In(loc).Format(form), name(s.Category), name(s.Place), s.Count, s.Usual)
		}
		fmt.Fprintln(t)
	}
	if len(r.Late) > 0 {
		fmt.Fprintln(t, "OVERDUE\tlimit\tsince\tagency")
		for _, l := range r.Late {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", l.Number, l.Limit, l.DueAt.In(loc).Format(form), name(l.Agency))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "Times are hours of the calendar since filing: median / nine of ten. Groups of less than 5 tickets of a category are hidden.")
	return err
}

// String is "median / p90".
func (t Times) String() string {
	if t.Median == nil {
		return "-"
	}
	return number(t.Median, "-") + " / " + number(t.P90, "-")
}
