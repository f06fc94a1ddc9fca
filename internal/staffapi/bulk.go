package staffapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/smpp/gsm7"
	"aduan/smpp/segment"
)

// Jobs do for many tickets what the desk does for one; *jobs.Jobs does.
type Jobs interface {
	Bulk(ctx context.Context, r desk.BulkRequest) (desk.BulkView, error)
	BulkStatus(ctx context.Context, r desk.JobRequest) (desk.BulkView, error)
	Broadcast(ctx context.Context, r desk.BroadcastRequest) (desk.BroadcastView, error)
	BroadcastStatus(ctx context.Context, r desk.JobRequest) (desk.BroadcastView, error)
	Confirm(ctx context.Context, r desk.JobRequest) (desk.BroadcastView, error)
	Cancel(ctx context.Context, r desk.JobRequest) (desk.BroadcastView, error)
}

type bulkInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"The same key with the same body is the same job, and tells how far it is"`
	Body           bulkBody
}

type bulkBody struct {
	Tickets     []string `json:"tickets" nullable:"false" minItems:"1" maxItems:"1000" doc:"Ticket numbers in any dress"`
	Status      string   `json:"status" enum:"verified,forwarded,in_progress,needs_information,resolved,rejected,closed,reopened" doc:"The new status of each"`
	Note        string   `json:"note,omitempty" maxLength:"2000" doc:"What each citizen reads besides the status"`
	Notify      *bool    `json:"notify,omitempty" default:"true" doc:"False: the statuses change and no SMS goes out"`
	Agency      *string  `json:"agency,omitempty" nullable:"true" maxLength:"100" doc:"Hand the tickets to this agency; left out: as they are"`
	MaxSegments int      `json:"max_segments,omitempty" default:"3" minimum:"1" maximum:"255" doc:"A ticket whose SMS would be longer is too_long"`
}

type bulkOutput struct {
	Body desk.BulkView
}

type jobInput struct {
	ID string `path:"id" maxLength:"64" doc:"The job's id"`
}

type broadcastInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"The same key with the same body is the same broadcast"`
	Body           broadcastBody
}

type broadcastBody struct {
	Text        string           `json:"text" minLength:"1" maxLength:"2000" doc:"What the citizens read, behind a few words that name their ticket"`
	Tickets     []string         `json:"tickets,omitempty" nullable:"false" maxItems:"10000" doc:"Whose reporters are told; or filter"`
	Filter      *broadcastFilter `json:"filter,omitempty" doc:"The reporters of these tickets; or tickets"`
	PerSecond   int              `json:"per_second,omitempty" default:"5" minimum:"1" maximum:"50" doc:"How many SMS are put on their way a second"`
	MaxSegments int              `json:"max_segments,omitempty" default:"3" minimum:"1" maximum:"255" doc:"A longer SMS is refused as too_long"`
}

type broadcastFilter struct {
	Status  []string `json:"status,omitempty" nullable:"false" maxItems:"10" doc:"Any of these; left out: whatever it is"`
	Agency  *string  `json:"agency,omitempty" nullable:"true" maxLength:"100" doc:"Of this agency; empty: the triage desk; left out: of any that the key may see"`
	Overdue bool     `json:"overdue,omitempty" doc:"Whose limit has passed"`
}

type broadcastOutput struct {
	Body desk.BroadcastView
}

func (s *Server) jobRoutes(api huma.API) {
	bulk := s.operation("bulk-status", http.MethodPost, "/v1/bulk/status",
		"Set the status of up to 1,000 tickets; a result for each. What is not done within ten seconds goes on")
	bulk.DefaultStatus = http.StatusAccepted
	huma.Register(api, bulk, s.bulk)
	huma.Register(api, s.operation("get-bulk", http.MethodGet, "/v1/bulk/{id}", "How far a bulk status is", http.StatusNotFound), s.bulkStatus)
	prepare := s.operation("prepare-broadcast", http.MethodPost, "/v1/broadcasts",
		"Prepare an SMS to the reporters of many tickets: who would be told, and what it costs. Nothing is sent before it is confirmed")
	prepare.DefaultStatus = http.StatusCreated
	huma.Register(api, prepare, s.broadcast)
	huma.Register(api, s.operation("get-broadcast", http.MethodGet, "/v1/broadcasts/{id}", "How far a broadcast is", http.StatusNotFound), s.broadcastStatus)
	confirm := s.operation("confirm-broadcast", http.MethodPost, "/v1/broadcasts/{id}/confirm",
		"Let it go out, as fast as it says, one SMS to each citizen", http.StatusNotFound, http.StatusConflict)
	confirm.DefaultStatus = http.StatusAccepted
	huma.Register(api, confirm, s.confirmBroadcast)
	huma.Register(api, s.operation("cancel-broadcast", http.MethodPost, "/v1/broadcasts/{id}/cancel",
		"Tell nobody more; who was told was told", http.StatusNotFound, http.StatusConflict), s.cancelBroadcast)
}

func (s *Server) bulk(ctx context.Context, in *bulkInput) (*bulkOutput, error) {
	key, who := viewer(ctx)
	b := in.Body
	idem, err := idempotency(key, "/v1/bulk/status", in.IdempotencyKey, b)
	if err != nil {
		return nil, err
	}
	return s.bulkAnswer(s.o.Jobs.Bulk(ctx, desk.BulkRequest{
		Viewer: who, Tickets: b.Tickets, Status: conversation.Status(b.Status), Note: b.Note, Notify: b.Notify == nil || *b.Notify,
		Agency: b.Agency, MaxSegments: b.MaxSegments, Idempotency: idem,
	}))
}

func (s *Server) bulkStatus(ctx context.Context, in *jobInput) (*bulkOutput, error) {
	_, who := viewer(ctx)
	return s.bulkAnswer(s.o.Jobs.BulkStatus(ctx, desk.JobRequest{Viewer: who, ID: in.ID}))
}

func (s *Server) bulkAnswer(v desk.BulkView, err error) (*bulkOutput, error) {
	if err != nil {
		return nil, s.refusal(err)
	}
	return &bulkOutput{Body: v}, nil
}

func (s *Server) broadcast(ctx context.Context, in *broadcastInput) (*broadcastOutput, error) {
	key, who := viewer(ctx)
	b := in.Body
	idem, err := idempotency(key, "/v1/broadcasts", in.IdempotencyKey, b)
	if err != nil {
		return nil, err
	}
	r := desk.BroadcastRequest{Viewer: who, Tickets: b.Tickets, Text: b.Text, PerSecond: b.PerSecond, MaxSegments: b.MaxSegments, Idempotency: idem}
	if b.Filter != nil {
		r.Filter = &desk.ListRequest{Agency: b.Filter.Agency, Overdue: b.Filter.Overdue}
		for _, status := range b.Filter.Status {
			r.Filter.Status = append(r.Filter.Status, conversation.Status(strings.TrimSpace(status)))
		}
	}
	return s.broadcastAnswer(s.o.Jobs.Broadcast(ctx, r))
}

func (s *Server) broadcastStatus(ctx context.Context, in *jobInput) (*broadcastOutput, error) {
	_, who := viewer(ctx)
	return s.broadcastAnswer(s.o.Jobs.BroadcastStatus(ctx, desk.JobRequest{Viewer: who, ID: in.ID}))
}

func (s *Server) confirmBroadcast(ctx context.Context, in *jobInput) (*broadcastOutput, error) {
	_, who := viewer(ctx)
	return s.broadcastAnswer(s.o.Jobs.Confirm(ctx, desk.JobRequest{Viewer: who, ID: in.ID}))
}

func (s *Server) cancelBroadcast(ctx context.Context, in *jobInput) (*broadcastOutput, error) {
	_, who := viewer(ctx)
	return s.broadcastAnswer(s.o.Jobs.Cancel(ctx, desk.JobRequest{Viewer: who, ID: in.ID}))
}

// broadcastAnswer adds what an SMS of it costs.
func (s *Server) broadcastAnswer(v desk.BroadcastView, err error) (*broadcastOutput, error) {
	if err != nil {
		return nil, s.refusal(err)
	}
	if v.Alphabet, _, _ = s.settings.Load().Count(v.Example); v.Alphabet != segment.GSM7 {
		for _, r := range gsm7.Culprits(gsm7.Rewrite(v.Example)) {
			v.Culprits = append(v.Culprits, string(r))
		}
	}
	return &broadcastOutput{Body: v}, nil
}
