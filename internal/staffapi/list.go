package staffapi

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"aduan/conversation"
	"aduan/internal/desk"
)

type listInput struct {
	Status     []string `query:"status" enum:"filed,verified,forwarded,in_progress,needs_information,resolved,reopened,closed,rejected,withdrawn" doc:"Any of these, by comma; left out: whatever it is"`
	Agency     string   `query:"agency" maxLength:"100" doc:"Of this agency; empty (agency=): of the triage desk; left out: of any that the key sees"`
	Overdue    bool     `query:"overdue" doc:"true: whose limit has passed, not verified or not answered in time"`
	ExternalID string   `query:"external_id" maxLength:"200" doc:"That the case system knows by this id"`
	Cursor     string   `query:"cursor" maxLength:"4000" doc:"next of the page before, with the same filters"`
	Limit      int      `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Of a page; it may hold fewer and go on all the same"`

	asked url.Values // as it came: agency= is another list than none
}

// Resolve is huma's way to see the request itself.
func (in *listInput) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	in.asked = u.Query()
	return nil
}

type listOutput struct {
	Body ticketPage
}

type ticketPage struct {
	Items []desk.TicketView `json:"items" nullable:"false" doc:"Newest first"`
	Next  *string           `json:"next" nullable:"true" doc:"Where the list goes on; null: it ends here"`
}

func (s *Server) listRoutes(api huma.API) {
	huma.Register(api, s.operation("list-tickets", http.MethodGet, "/v1/tickets", "Tickets, newest first",
		http.StatusUnprocessableEntity), s.listTickets)
}

func (s *Server) listTickets(ctx context.Context, in *listInput) (*listOutput, error) {
	key, who := viewer(ctx)
	r := desk.ListRequest{Viewer: who, Overdue: in.Overdue, ExternalID: in.ExternalID, Cursor: in.Cursor, Limit: in.Limit}
	for _, status := range in.Status {
		r.Status = append(r.Status, conversation.Status(status))
	}
	if in.asked.Has("agency") {
		r.Agency = &in.Agency
	}
	items, next, err := s.o.Desk.List(ctx, r)
	if err != nil {
		return nil, s.refusal(err)
	}
	if who.Reveal && len(items) > 0 {
		s.o.Log.Info("numbers shown", zap.String("key", key.ID), zap.Int("tickets", len(items)))
	}
	out := &listOutput{Body: ticketPage{Items: append([]desk.TicketView{}, items...)}}
	if next != "" {
		out.Body.Next = &next
	}
	return out, nil
}
