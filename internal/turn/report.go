package turn

import (
	"context"
	"errors"

	"aduan/internal/desk"
	"aduan/internal/report"
)

// maxLate bounds the overdue tickets that a report names.
const maxLate = 500

// Report counts the tickets that the viewer sees. Groups too small to be told of are shown to viewers with the scope admin. One
// is counted at a time: it reads every ticket.
func (d *Desk) Report(ctx context.Context, r desk.ReportRequest) (report.Report, error) {
	if d.t.o.Figures == nil {
		return report.Report{}, desk.ErrUnavailable
	}
	now := d.t.o.Now()
	from, to, err := report.Period(r.Day, r.From, r.To, now, d.t.Settings().Location)
	if err != nil {
		return report.Report{}, &desk.Invalid{Field: "from", Reason: err.Error()}
	}
	select {
	case d.counting <- struct{}{}:
		defer func() { <-d.counting }()
	case <-ctx.Done():
		return report.Report{}, unavailable(ctx.Err())
	}
	got, err := report.Run(ctx, d.t.o.Figures, report.Options{
		From: from, To: to, Now: now, Agency: r.Viewer.Agency, Small: r.Viewer.Allows("admin"), Late: min(max(r.Late, 0), maxLate),
	})
	if err != nil && !errors.Is(err, report.ErrPeriod) {
		return got, unavailable(err)
	}
	return got, err
}
