package staffapi

import (
	"bytes"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"aduan/internal/desk"
	"aduan/internal/report"
)

// reportDesk counts how the line does; *turn.Desk is one.
type reportDesk interface {
	Report(ctx context.Context, r desk.ReportRequest) (report.Report, error)
}

type reportInput struct {
	Day  string `query:"day" maxLength:"10" doc:"A day of the line's calendar; left out, with from and to: yesterday" example:"2026-11-22"`
	From string `query:"from" maxLength:"40" doc:"Instead of day: from this day, or this moment (RFC 3339)"`
	To   string `query:"to" maxLength:"40" doc:"With from: to the end of this day, or before this moment; left out: now"`
	Late int    `query:"late" minimum:"0" maximum:"500" doc:"So many of the overdue tickets are named, the oldest limit first"`
}

type reportOutput struct {
	Body report.Report
}

type reportCSV struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (s *Server) reportRoutes(api huma.API) {
	huma.Register(api, s.operation("report", http.MethodGet, "/v1/report",
		"Figures of a time: received, answered, how fast, overdue, marks, by agency and category"), s.report)
	table := s.operation("report-csv", http.MethodGet, "/v1/report.csv", "The same as a table for spreadsheets (RFC 4180)")
	table.Responses = map[string]*huma.Response{"200": {
		Description: "OK", Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	huma.Register(api, table, s.reportCSV)
}

func (s *Server) report(ctx context.Context, in *reportInput) (*reportOutput, error) {
	r, err := s.figures(ctx, in)
	if err != nil {
		return nil, err
	}
	return &reportOutput{Body: r}, nil
}

func (s *Server) reportCSV(ctx context.Context, in *reportInput) (*reportCSV, error) {
	r, err := s.figures(ctx, in)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := r.CSV(&body); err != nil {
		return nil, s.refusal(err)
	}
	return &reportCSV{ContentType: "text/csv; charset=utf-8", Disposition: `attachment; filename="aduan-report.csv"`, Body: body.Bytes()}, nil
}

func (s *Server) figures(ctx context.Context, in *reportInput) (report.Report, error) {
	_, who := viewer(ctx)
	r, err := s.o.Desk.Report(ctx, desk.ReportRequest{Viewer: who, Day: in.Day, From: in.From, To: in.To, Late: in.Late})
	if err != nil {
		return r, s.refusal(err)
	}
	return r, nil
}
