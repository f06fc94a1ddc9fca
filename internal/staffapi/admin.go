package staffapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aduan/internal/desk"
)

// Keyring is what a key may do with keys; keyring.Ring is one.
type Keyring interface {
	Keys(ctx context.Context, v desk.Viewer) ([]desk.KeyView, error)
	NewKey(ctx context.Context, r desk.NewKeyRequest) (k desk.KeyView, secret string, err error)
	RotateKey(ctx context.Context, r desk.KeyRequest) (k desk.KeyView, secret string, err error)
	RevokeKey(ctx context.Context, r desk.KeyRequest) error
}

// trailDesk reads the audit trail; *turn.Desk does.
type trailDesk interface {
	Audit(ctx context.Context, r desk.AuditRequest) (items []desk.AuditView, next string, err error)
}

type keyList struct {
	Body struct {
		Items []desk.KeyView `json:"items" nullable:"false"`
		Next  *string        `json:"next" nullable:"true" doc:"Always null: the list is whole"`
	}
}

type newKeyInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"The same key with the same body gives the same API key again"`
	Body           newKeyBody
}

type newKeyBody struct {
	Name    string     `json:"name" minLength:"1" maxLength:"100" doc:"Who uses it: stands in the history of tickets"`
	Scopes  []string   `json:"scopes" nullable:"false" minItems:"1" maxItems:"5" doc:"tickets:read, tickets:write, pii:read, operate, admin; none that the asking key lacks"`
	Agency  string     `json:"agency,omitempty" maxLength:"100" doc:"The one agency whose tickets it sees; left out: as the asking key's"`
	Expires *time.Time `json:"expires,omitempty" nullable:"true" doc:"Not later than the asking key's own end; left out: never"`
}

// secretBody is a key with its secret: the one time that it is told.
type secretBody struct {
	Key    desk.KeyView `json:"key"`
	Secret string       `json:"secret" doc:"The API key itself; it is not kept, and not shown again"`
}

type secretOutput struct {
	Body secretBody
}

type keyInput struct {
	ID string `path:"id" maxLength:"64" doc:"The key's id"`
}

type rotateInput struct {
	ID             string `path:"id" maxLength:"64" doc:"The key's id"`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"The same again gives the same secret, and rotates once"`
}

type auditInput struct {
	Ticket string    `query:"ticket" maxLength:"40" doc:"Only what was done to this ticket, and by whom it was read with its number"`
	Key    string    `query:"key" maxLength:"64" doc:"Only what the key with this id did"`
	Action string    `query:"action" maxLength:"40" doc:"Only this action; sms or key: all of that kind"`
	Since  time.Time `query:"since" doc:"Not before this time"`
	Until  time.Time `query:"until" doc:"Before this time"`
	Cursor string    `query:"cursor" maxLength:"2000" doc:"next of the page before"`
	Limit  int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type auditOutput struct {
	Body struct {
		Items []desk.AuditView `json:"items" nullable:"false" doc:"The newest first"`
		Next  *string          `json:"next" nullable:"true" doc:"null: that was all. A page may hold less than limit, even nothing, and be followed by more"`
	}
}

func (s *Server) adminRoutes(api huma.API) {
	huma.Register(api, s.operation("list-keys", http.MethodGet, "/v1/keys", "API keys, without their secrets"), s.listKeys)
	add := s.operation("add-key", http.MethodPost, "/v1/keys", "Make an API key; its secret is shown once")
	add.DefaultStatus = http.StatusCreated
	huma.Register(api, add, s.addKey)
	huma.Register(api, s.operation("rotate-key", http.MethodPost, "/v1/keys/{id}/rotate",
		"Give a key a new secret; the one before is valid for 24 hours more", http.StatusNotFound, http.StatusConflict), s.rotateKey)
	revoke := s.operation("revoke-key", http.MethodDelete, "/v1/keys/{id}", "End a key at once, for good", http.StatusNotFound)
	revoke.DefaultStatus = http.StatusNoContent
	huma.Register(api, revoke, s.revokeKey)
	huma.Register(api, s.operation("list-audit", http.MethodGet, "/v1/audit",
		"Who did what to which ticket, when and from where", http.StatusNotFound, http.StatusUnprocessableEntity), s.listAudit)
}

func (s *Server) listKeys(ctx context.Context, _ *struct{}) (*keyList, error) {
	_, who := viewer(ctx)
	list, err := s.o.Keyring.Keys(ctx, who)
	if err != nil {
		return nil, s.refusal(err)
	}
	out := &keyList{}
	out.Body.Items = append([]desk.KeyView{}, list...)
	return out, nil
}

func (s *Server) addKey(ctx context.Context, in *newKeyInput) (*secretOutput, error) {
	key, who := viewer(ctx)
	idem, err := idempotency(key, "/v1/keys", in.IdempotencyKey, in.Body)
	if err != nil {
		return nil, err
	}
	r := desk.NewKeyRequest{Viewer: who, Name: in.Body.Name, Scopes: in.Body.Scopes, Agency: in.Body.Agency, Idempotency: idem}
	if in.Body.Expires != nil {
		r.Expires = in.Body.Expires.UTC()
	}
	return s.secret(s.o.Keyring.NewKey(ctx, r))
}

func (s *Server) rotateKey(ctx context.Context, in *rotateInput) (*secretOutput, error) {
	key, who := viewer(ctx)
	idem, err := idempotency(key, "/v1/keys/"+in.ID+"/rotate", in.IdempotencyKey, nil)
	if err != nil {
		return nil, err
	}
	return s.secret(s.o.Keyring.RotateKey(ctx, desk.KeyRequest{Viewer: who, ID: in.ID, Idempotency: idem}))
}

func (s *Server) secret(k desk.KeyView, secret string, err error) (*secretOutput, error) {
	if err != nil {
		return nil, s.refusal(err)
	}
	return &secretOutput{Body: secretBody{Key: k, Secret: secret}}, nil
}

func (s *Server) revokeKey(ctx context.Context, in *keyInput) (*struct{}, error) {
	_, who := viewer(ctx)
	if err := s.o.Keyring.RevokeKey(ctx, desk.KeyRequest{Viewer: who, ID: in.ID}); err != nil {
		return nil, s.refusal(err)
	}
	return nil, nil
}

func (s *Server) listAudit(ctx context.Context, in *auditInput) (*auditOutput, error) {
	_, who := viewer(ctx)
	r := desk.AuditRequest{Viewer: who, Key: in.Key, Action: in.Action, Since: in.Since, Until: in.Until, Cursor: in.Cursor, Limit: in.Limit}
	if in.Ticket != "" {
		n, err := number(in.Ticket)
		if err != nil {
			return nil, err
		}
		r.Number = n
	}
	items, next, err := s.o.Desk.Audit(ctx, r)
	if err != nil {
		return nil, s.refusal(err)
	}
	out := &auditOutput{}
	out.Body.Items = append([]desk.AuditView{}, items...)
	if next != "" {
		out.Body.Next = &next
	}
	return out, nil
}
