package staffapi

import (
	"bytes"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"aduan/internal/desk"
	"aduan/internal/proof"
)

// proofDesk makes the record that a citizen was told; *turn.Desk does.
type proofDesk interface {
	Proof(ctx context.Context, r desk.ProofRequest) (desk.ProofView, error)
}

type proofOutput struct {
	Body desk.ProofView
}

type compareInput struct {
	Number string `path:"number" doc:"The ticket number in any dress" example:"4821-3769"`
	Body   struct {
		Text string `json:"text" minLength:"1" maxLength:"5000" doc:"What an SMS may have said, to the letter"`
	}
}

type proofPageInput struct {
	Number string `path:"number" doc:"The ticket number in any dress" example:"4821-3769"`
	Lang   string `query:"lang" enum:"id,en" default:"id" doc:"The page's language"`
}

type proofPage struct {
	ContentType string `header:"Content-Type"`
	Policy      string `header:"Content-Security-Policy"`
	Body        []byte
}

func (s *Server) proofRoutes(api huma.API) {
	huma.Register(api, s.operation("proof", http.MethodGet, "/v1/tickets/{number}/proof",
		"Proof of notification: which SMS the citizen was sent, when the operator took each, when it was delivered", http.StatusNotFound), s.proof)
	huma.Register(api, s.operation("compare-proof", http.MethodPost, "/v1/tickets/{number}/proof",
		"The same, and whether an SMS said just this text; nothing is changed", http.StatusNotFound), s.compareProof)
	page := s.operation("proof-page", http.MethodGet, "/v1/tickets/{number}/proof.html", "The same as a page to print", http.StatusNotFound)
	page.Responses = map[string]*huma.Response{"200": {
		Description: "OK", Content: map[string]*huma.MediaType{"text/html": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	huma.Register(api, page, s.proofPage)
}

func (s *Server) proof(ctx context.Context, in *ticketInput) (*proofOutput, error) {
	return s.proven(ctx, in.Number, nil)
}

func (s *Server) compareProof(ctx context.Context, in *compareInput) (*proofOutput, error) {
	return s.proven(ctx, in.Number, &in.Body.Text)
}

func (s *Server) proven(ctx context.Context, dressed string, text *string) (*proofOutput, error) {
	n, err := number(dressed)
	if err != nil {
		return nil, err
	}
	_, who := viewer(ctx)
	view, err := s.o.Desk.Proof(ctx, desk.ProofRequest{Viewer: who, Number: n, Text: text})
	if err != nil {
		return nil, s.refusal(err)
	}
	return &proofOutput{Body: view}, nil
}

func (s *Server) proofPage(ctx context.Context, in *proofPageInput) (*proofPage, error) {
	out, err := s.proven(ctx, in.Number, nil)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := proof.Write(&body, out.Body, in.Lang); err != nil {
		return nil, s.refusal(err)
	}
	return &proofPage{ContentType: "text/html; charset=utf-8", Policy: proof.Policy, Body: body.Bytes()}, nil
}
