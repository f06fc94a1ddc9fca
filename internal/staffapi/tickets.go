package staffapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"aduan/conversation"
	"aduan/internal/desk"
)

type ticketInput struct {
	Number string `path:"number" doc:"The ticket number in any dress: 4821-3769, 48213769, 4821 3769" example:"4821-3769"`
}

type ticketOutput struct {
	Body desk.TicketView
}

type statusInput struct {
	Number         string `path:"number" doc:"The ticket number in any dress" example:"4821-3769"`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"The same key with the same body gives the first answer again and sends nothing; kept for 24 h"`
	Body           statusBody
}

type statusBody struct {
	Status      string  `json:"status" enum:"verified,forwarded,in_progress,needs_information,resolved,rejected,closed,reopened" doc:"The new status; a closed ticket takes only reopened"`
	Note        string  `json:"note,omitempty" maxLength:"2000" doc:"What the citizen reads besides the status"`
	Notify      *bool   `json:"notify,omitempty" default:"true" doc:"False: the status changes and no SMS goes out"`
	Agency      *string `json:"agency,omitempty" nullable:"true" maxLength:"100" doc:"Hand the ticket to this agency; left out: as it is"`
	ExternalID  *string `json:"external_id,omitempty" nullable:"true" maxLength:"200" doc:"The case system's own id; left out: as it is"`
	MaxSegments int     `json:"max_segments,omitempty" default:"3" minimum:"1" maximum:"255" doc:"A longer SMS is refused as too_long, and nothing changes"`
	Template    string  `json:"template,omitempty" maxLength:"40" doc:"The name of a template of the ticket's agency: its text instead of the line's own"`
}

type questionInput struct {
	Number         string `path:"number" doc:"The ticket number in any dress" example:"4821-3769"`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"The same key with the same body gives the first answer again and sends nothing; kept for 24 h"`
	Body           questionBody
}

type questionBody struct {
	Text        string `json:"text" minLength:"1" maxLength:"2000" doc:"The question to the citizen"`
	MaxSegments int    `json:"max_segments,omitempty" default:"3" minimum:"1" maximum:"255" doc:"A longer SMS is refused as too_long"`
}

type pushOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: the first answer again; nothing was done now"`
	Body     desk.StatusAnswer
}

func (s *Server) ticketRoutes(api huma.API) {
	huma.Register(api, s.operation("get-ticket", http.MethodGet, "/v1/tickets/{number}",
		"A ticket with its history", http.StatusNotFound), s.getTicket)
	status := s.operation("push-status", http.MethodPost, "/v1/tickets/{number}/status",
		"Set a ticket's status and tell the citizen by SMS", http.StatusNotFound, http.StatusConflict)
	status.DefaultStatus = http.StatusAccepted
	huma.Register(api, status, s.pushStatus)
	question := s.operation("push-question", http.MethodPost, "/v1/tickets/{number}/question",
		"Ask the citizen by SMS; the answer comes as an event", http.StatusNotFound, http.StatusConflict)
	question.DefaultStatus = http.StatusAccepted
	huma.Register(api, question, s.pushQuestion)
}

func (s *Server) getTicket(ctx context.Context, in *ticketInput) (*ticketOutput, error) {
	n, err := number(in.Number)
	if err != nil {
		return nil, err
	}
	key, who := viewer(ctx)
	view, err := s.o.Desk.Ticket(ctx, desk.TicketRequest{Viewer: who, Number: n})
	if err != nil {
		return nil, s.refusal(err)
	}
	if who.Reveal && view.Citizen.Number != "" {
		s.o.Log.Info("number shown", zap.String("key", key.ID), zap.String("ticket", n.String()))
	}
	return &ticketOutput{Body: view}, nil
}

func (s *Server) pushStatus(ctx context.Context, in *statusInput) (*pushOutput, error) {
	n, err := number(in.Number)
	if err != nil {
		return nil, err
	}
	key, who := viewer(ctx)
	b := in.Body
	idem, err := idempotency(key, "/v1/tickets/"+n.Digits()+"/status", in.IdempotencyKey, b)
	if err != nil {
		return nil, err
	}
	return s.pushed(s.o.Desk.PushStatus(ctx, desk.StatusRequest{
		Viewer: who, Number: n, Status: conversation.Status(b.Status), Note: b.Note, Notify: b.Notify == nil || *b.Notify,
		Agency: b.Agency, ExternalID: b.ExternalID, MaxSegments: b.MaxSegments, Template: b.Template, Idempotency: idem,
	}))
}

func (s *Server) pushQuestion(ctx context.Context, in *questionInput) (*pushOutput, error) {
	n, err := number(in.Number)
	if err != nil {
		return nil, err
	}
	key, who := viewer(ctx)
	idem, err := idempotency(key, "/v1/tickets/"+n.Digits()+"/question", in.IdempotencyKey, in.Body)
	if err != nil {
		return nil, err
	}
	return s.pushed(s.o.Desk.PushQuestion(ctx, desk.QuestionRequest{
		Viewer: who, Number: n, Text: in.Body.Text, MaxSegments: in.Body.MaxSegments, Idempotency: idem,
	}))
}

func (s *Server) pushed(a desk.StatusAnswer, replayed bool, err error) (*pushOutput, error) {
	if err != nil {
		return nil, s.refusal(err)
	}
	out := &pushOutput{Body: a}
	if replayed {
		out.Replayed = "true"
	}
	return out, nil
}

// number reads a ticket number. A mistyped one answers like one that does not exist, or is another agency's.
func number(s string) (conversation.Number, error) {
	n, err := conversation.ParseNumber(s)
	if err != nil {
		return 0, newProblem(http.StatusNotFound)
	}
	return n, nil
}

// refusal is the desk's refusal as a problem; what is none of the desk's words is logged.
func (s *Server) refusal(err error) error {
	if p := ofDesk(err); p != nil {
		return p
	}
	s.o.Log.Error("request failed", zap.Error(err))
	return newProblem(http.StatusInternalServerError)
}
