package report_test

import (
	"encoding/json"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/report"
)

// BenchmarkReportOfNineYears is what counting 719,245 heads takes besides reading them from the store.
func BenchmarkReportOfNineYears(b *testing.B) {
	var heads [][]byte
	for _, t := range tickets() {
		t.Language, t.Link, t.Kind = "id", "main", conversation.Complaint
		head, err := json.Marshal(t)
		if err != nil {
			b.Fatal(err)
		}
		heads = append(heads, head)
	}
	for b.Loop() {
		c := report.New(report.Options{From: noon.AddDate(-9, 0, 0), To: noon.AddDate(1, 0, 0), Now: noon, Late: 500})
		began := time.Now()
		for i := range 719_245 {
			var t conversation.Ticket
			if err := json.Unmarshal(heads[i%len(heads)], &t); err != nil {
				b.Fatal(err)
			}
			c.Add(&t)
		}
		if r := c.Report(); r.Line.Received == 0 {
			b.Fatal("nothing was counted")
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/report")
	}
}
