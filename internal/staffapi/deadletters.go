package staffapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"aduan/internal/desk"
)

// letterDesk is what waits for a person; *turn.Desk is one.
type letterDesk interface {
	DeadLetters(ctx context.Context, r desk.DeadLettersRequest) (items []desk.DeadLetter, next string, err error)
	RetryLetter(ctx context.Context, r desk.DeadLetterRequest) error
	DropLetter(ctx context.Context, r desk.DeadLetterRequest) error
}

type lettersInput struct {
	Kind   string `query:"kind" enum:"sms,event" doc:"Only these; left out: both"`
	Cursor string `query:"cursor" maxLength:"200" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

type lettersOutput struct {
	Body struct {
		Items []desk.DeadLetter `json:"items" nullable:"false"`
		Next  *string           `json:"next" nullable:"true" doc:"null: that was all"`
	}
}

type letterInput struct {
	ID string `path:"id" maxLength:"64" doc:"The id of an SMS or an event that waits"`
}

func (s *Server) letterRoutes(api huma.API) {
	huma.Register(api, s.operation("list-dead-letters", http.MethodGet, "/v1/deadletters",
		"What waits for a person: dead SMS, and events that the case system does not take"), s.deadLetters)
	retry := s.operation("retry-dead-letter", http.MethodPost, "/v1/deadletters/{id}/retry",
		"Send it again now", http.StatusNotFound, http.StatusConflict)
	retry.DefaultStatus = http.StatusNoContent
	huma.Register(api, retry, s.retryLetter)
	drop := s.operation("drop-dead-letter", http.MethodPost, "/v1/deadletters/{id}/drop",
		"Give it up for good: what waits behind it goes on", http.StatusNotFound)
	drop.DefaultStatus = http.StatusNoContent
	huma.Register(api, drop, s.dropLetter)
}

func (s *Server) deadLetters(ctx context.Context, in *lettersInput) (*lettersOutput, error) {
	_, who := viewer(ctx)
	items, next, err := s.o.Desk.DeadLetters(ctx, desk.DeadLettersRequest{Viewer: who, Kind: in.Kind, Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, s.refusal(err)
	}
	out := &lettersOutput{}
	out.Body.Items = append([]desk.DeadLetter{}, items...)
	if next != "" {
		out.Body.Next = &next
	}
	return out, nil
}

func (s *Server) retryLetter(ctx context.Context, in *letterInput) (*struct{}, error) {
	_, who := viewer(ctx)
	if err := s.o.Desk.RetryLetter(ctx, desk.DeadLetterRequest{Viewer: who, ID: in.ID}); err != nil {
		return nil, s.refusal(err)
	}
	return nil, nil
}

func (s *Server) dropLetter(ctx context.Context, in *letterInput) (*struct{}, error) {
	_, who := viewer(ctx)
	if err := s.o.Desk.DropLetter(ctx, desk.DeadLetterRequest{Viewer: who, ID: in.ID}); err != nil {
		return nil, s.refusal(err)
	}
	return nil, nil
}
