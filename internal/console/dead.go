package console

import (
	"errors"
	"net/http"
	"net/url"

	"aduan/internal/desk"
)

// deadData is a page of what waits for a person.
type deadData struct {
	Items []desk.DeadLetter
	Next  string
	Later bool
}

// Older is the address of the page after.
func (d deadData) Older() string { return "/dead?" + url.Values{"cursor": {d.Next}}.Encode() }

func (c *Console) dead(w http.ResponseWriter, r *http.Request, who viewer) {
	cursor := r.URL.Query().Get("cursor")
	items, next, err := c.o.Desk.DeadLetters(r.Context(), desk.DeadLettersRequest{Viewer: who.desk, Cursor: cursor, Limit: pageSize})
	var invalid *desk.Invalid
	if errors.As(err, &invalid) {
		http.Redirect(w, r, "/dead", http.StatusSeeOther)
		return
	}
	if err != nil {
		c.refuse(w, r, who, err)
		return
	}
	c.show(w, r, who, http.StatusOK, "dead", "dead", deadData{items, next, cursor != ""})
}

func (c *Console) retry(w http.ResponseWriter, r *http.Request, who viewer) {
	c.decided(w, r, who, "retry", c.o.Desk.RetryLetter(r.Context(), desk.DeadLetterRequest{Viewer: who.desk, ID: r.PathValue("id")}))
}

func (c *Console) drop(w http.ResponseWriter, r *http.Request, who viewer) {
	c.decided(w, r, who, "drop", c.o.Desk.DropLetter(r.Context(), desk.DeadLetterRequest{Viewer: who.desk, ID: r.PathValue("id")}))
}

// decided leads back to the list. What somebody else decided meanwhile is gone from it.
func (c *Console) decided(w http.ResponseWriter, r *http.Request, who viewer, done string, err error) {
	switch {
	case errors.Is(err, desk.ErrNotFound):
		done = "gone"
	case errors.Is(err, desk.ErrErased):
		done = "erased"
	case err != nil:
		c.refuse(w, r, who, err)
		return
	}
	http.Redirect(w, r, withDone("/dead", done), http.StatusSeeOther)
}
