package staffapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"aduan/conversation"
	"aduan/internal/desk"
)

type fileInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"The same key with the same body gives the first answer again and files nothing; kept for 24 h"`
	Body           fileBody
}

type fileBody struct {
	Text       string `json:"text" minLength:"1" maxLength:"10000" doc:"The report, as it came"`
	Number     string `json:"number,omitempty" maxLength:"32" doc:"The citizen's telephone, in any dress; left out: none is known" example:"0812-3456-7123"`
	Kind       string `json:"kind,omitempty" enum:"complaint,suggestion,information" default:"complaint"`
	ExternalID string `json:"external_id,omitempty" maxLength:"200" doc:"The case system's own id"`
	Notify     *bool  `json:"notify,omitempty" default:"true" doc:"False: the citizen gets no SMS with the ticket's number"`
}

type fileOutput struct {
	Location string `header:"Location" doc:"Where the ticket is read"`
	Replayed string `header:"Idempotency-Replayed" doc:"true: the first answer again; nothing was filed now"`
	Body     desk.TicketView
}

type assignInput struct {
	Number         string `path:"number" doc:"The ticket number in any dress" example:"4821-3769"`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"The same key with the same body gives the first answer again and sends nothing; kept for 24 h"`
	Body           assignBody
}

type assignBody struct {
	Agency      string `json:"agency" maxLength:"100" doc:"Who handles the ticket from now on; empty: the triage desk"`
	Note        string `json:"note,omitempty" maxLength:"2000" doc:"Why: stands in the history, and in the SMS where notify is true"`
	Notify      bool   `json:"notify,omitempty" default:"false" doc:"True: the citizen is told by SMS"`
	MaxSegments int    `json:"max_segments,omitempty" default:"3" minimum:"1" maximum:"255" doc:"A longer SMS is refused as too_long, and nothing changes"`
}

type assignOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: the first answer again; nothing was done now"`
	Body     desk.AssignAnswer
}

func (s *Server) fileRoutes(api huma.API) {
	file := s.operation("file-ticket", http.MethodPost, "/v1/tickets", "File a report that came by another channel")
	file.DefaultStatus = http.StatusCreated
	huma.Register(api, file, s.fileTicket)
	assign := s.operation("assign-ticket", http.MethodPost, "/v1/tickets/{number}/assign",
		"Hand a ticket to an agency, or back to the triage desk; its number stays", http.StatusNotFound, http.StatusConflict)
	assign.DefaultStatus = http.StatusAccepted
	huma.Register(api, assign, s.assignTicket)
}

func (s *Server) fileTicket(ctx context.Context, in *fileInput) (*fileOutput, error) {
	key, who := viewer(ctx)
	idem, err := idempotency(key, "/v1/tickets", in.IdempotencyKey, in.Body)
	if err != nil {
		return nil, err
	}
	b := in.Body
	view, replayed, err := s.o.Desk.File(ctx, desk.FileRequest{
		Viewer: who, Text: b.Text, Number: b.Number, Kind: conversation.Kind(b.Kind), ExternalID: b.ExternalID,
		Notify: b.Notify == nil || *b.Notify, Idempotency: idem,
	})
	if err != nil {
		return nil, s.refusal(err)
	}
	out := &fileOutput{Body: view, Replayed: again(replayed)}
	if n, err := conversation.ParseNumber(view.Number); err == nil {
		out.Location = "/v1/tickets/" + n.Digits()
	}
	return out, nil
}

func (s *Server) assignTicket(ctx context.Context, in *assignInput) (*assignOutput, error) {
	n, err := number(in.Number)
	if err != nil {
		return nil, err
	}
	key, who := viewer(ctx)
	idem, err := idempotency(key, "/v1/tickets/"+n.Digits()+"/assign", in.IdempotencyKey, in.Body)
	if err != nil {
		return nil, err
	}
	b := in.Body
	a, replayed, err := s.o.Desk.Assign(ctx, desk.AssignRequest{
		Viewer: who, Number: n, Agency: b.Agency, Note: b.Note, Notify: b.Notify, MaxSegments: b.MaxSegments, Idempotency: idem,
	})
	if err != nil {
		return nil, s.refusal(err)
	}
	return &assignOutput{Body: a, Replayed: again(replayed)}, nil
}

// again is the header Idempotency-Replayed.
func again(replayed bool) string {
	if replayed {
		return "true"
	}
	return ""
}
