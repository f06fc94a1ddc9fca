package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"aduan/conversation"
	"aduan/internal/desk"
)

// auditData is a page of the audit trail.
type auditData struct {
	Items   []desk.AuditView
	Next    string
	Later   bool
	Ticket  string
	Key     string
	Action  string
	Unknown bool // the ticket's number is none
}

// Older is the address of the page after.
func (d auditData) Older() string {
	q := url.Values{"cursor": {d.Next}}
	for name, value := range map[string]string{"ticket": d.Ticket, "key": d.Key, "action": d.Action} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return "/audit?" + q.Encode()
}

// audit shows who did what, when and from where, newest first.
func (c *Console) audit(w http.ResponseWriter, r *http.Request, who viewer) {
	q := r.URL.Query()
	word := func(name string) string { return strings.TrimSpace(q.Get(name)) }
	d := auditData{Ticket: word("ticket"), Key: word("key"), Action: word("action"), Later: q.Get("cursor") != ""}
	ask := desk.AuditRequest{Viewer: who.desk, Key: d.Key, Action: d.Action, Cursor: q.Get("cursor"), Limit: pageSize}
	if d.Ticket != "" {
		n, err := conversation.ParseNumber(d.Ticket)
		if err != nil {
			d.Unknown = true
			c.show(w, r, who, http.StatusUnprocessableEntity, "audit", "audit", d)
			return
		}
		ask.Number = n
	}
	var err error
	d.Items, d.Next, err = c.o.Desk.Audit(r.Context(), ask)
	var invalid *desk.Invalid
	switch {
	case errors.As(err, &invalid) && ask.Cursor != "":
		http.Redirect(w, r, "/audit", http.StatusSeeOther)
		return
	case errors.Is(err, desk.ErrNotFound): // another agency's
	case err != nil:
		c.refuse(w, r, who, err)
		return
	}
	c.show(w, r, who, http.StatusOK, "audit", "audit", d)
}
