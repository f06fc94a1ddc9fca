package staffapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"aduan/internal/desk"
	"aduan/smpp/gsm7"
	"aduan/smpp/segment"
)

type messageInput struct {
	ID string `path:"id" maxLength:"64" doc:"The id of an SMS, from a push or a ticket"`
}

type messageOutput struct {
	Body desk.MessageView
}

type previewInput struct {
	Body struct {
		Text string `json:"text" maxLength:"10000" doc:"What an SMS would say"`
	}
}

type previewOutput struct {
	Body preview
}

type preview struct {
	Alphabet  string   `json:"alphabet" doc:"gsm7, or ucs2 where a character does not fit: an SMS then holds less than half"`
	Segments  int      `json:"segments" doc:"How many SMS the operator counts"`
	Left      int      `json:"left" doc:"Characters left in the last segment"`
	Culprits  []string `json:"culprits" nullable:"false" doc:"The characters that cost the GSM alphabet"`
	Rewrite   string   `json:"rewrite" doc:"A text that fits the GSM alphabet as far as its sense allows: typographic signs made plain (they are sent so in any case), letters without marks that the alphabet lacks, emoji left out"`
	Dropped   []string `json:"dropped" nullable:"false" doc:"What the rewrite leaves out"`
	Rewritten int      `json:"rewrite_segments" doc:"How many SMS the rewrite takes"`
}

func (s *Server) messageRoutes(api huma.API) {
	huma.Register(api, s.operation("get-message", http.MethodGet, "/v1/messages/{id}",
		"What became of an SMS", http.StatusNotFound), s.getMessage)
	huma.Register(api, s.operation("preview", http.MethodPost, "/v1/preview",
		"How many segments a text takes, and why"), s.preview)
}

func (s *Server) getMessage(ctx context.Context, in *messageInput) (*messageOutput, error) {
	_, who := viewer(ctx)
	view, err := s.o.Desk.Message(ctx, desk.MessageRequest{Viewer: who, ID: in.ID})
	if err != nil {
		return nil, s.refusal(err)
	}
	return &messageOutput{Body: view}, nil
}

func (s *Server) preview(_ context.Context, in *previewInput) (*previewOutput, error) {
	count := s.settings.Load().Count
	out := preview{Rewrite: gsm7.Rewrite(in.Body.Text), Culprits: []string{}, Dropped: []string{}}
	out.Alphabet, out.Segments, out.Left = count(in.Body.Text)
	out.Rewritten = out.Segments
	if out.Alphabet == segment.GSM7 { // as it is, or by the operators' national tables
		return &previewOutput{Body: out}, nil
	}
	for _, r := range gsm7.Culprits(out.Rewrite) {
		out.Culprits = append(out.Culprits, string(r))
	}
	var dropped []string
	out.Rewrite, dropped = gsm7.Simplify(in.Body.Text)
	out.Dropped = append(out.Dropped, dropped...)
	_, out.Rewritten, _ = count(out.Rewrite)
	return &previewOutput{Body: out}, nil
}
