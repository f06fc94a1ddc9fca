package console

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"aduan/conversation"
	"aduan/internal/desk"
)

// pageSize of the lists.
const pageSize = 25

// listData is a list of tickets, a page of it.
type listData struct {
	Items    []desk.TicketView
	Next     string // where the page after begins; "": there is none
	Later    bool   // this is not the first page
	Filter   filter
	Statuses []string
	Agencies []desk.Agency
	Triage   bool   // each can be given to an agency at once
	Once     string // names the filling of the triage forms
	Lead     string
	Empty    string
}

// filter is what a list was asked for.
type filter struct {
	Status  string // "": all that are open, "all": whatever it is
	Agency  string
	Overdue bool
}

// Older is the address of the page after.
func (d listData) Older(path string) string {
	q := url.Values{}
	for name, value := range map[string]string{"status": d.Filter.Status, "agency": d.Filter.Agency, "cursor": d.Next} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if d.Filter.Overdue {
		q.Set("overdue", "on")
	}
	return path + "?" + q.Encode()
}

func openStatuses() []conversation.Status {
	return slices.DeleteFunc(conversation.Statuses(), func(s conversation.Status) bool { return !s.Open() })
}

// triage shows the tickets that no agency has.
func (c *Console) triage(w http.ResponseWriter, r *http.Request, who viewer) {
	none := ""
	c.list(w, r, who, "desk", desk.ListRequest{Agency: &none, Status: openStatuses()},
		listData{Triage: who.may("POST /tickets/{number}/assign"), Lead: "desk.lead", Empty: "desk.none"})
}

// overdue shows the tickets whose limit has passed.
func (c *Console) overdue(w http.ResponseWriter, r *http.Request, who viewer) {
	c.list(w, r, who, "overdue", desk.ListRequest{Overdue: true}, listData{Lead: "overdue.lead", Empty: "overdue.none"})
}

// tickets shows what the filter asks for.
func (c *Console) tickets(w http.ResponseWriter, r *http.Request, who viewer) {
	q := r.URL.Query()
	f := filter{Status: q.Get("status"), Agency: strings.TrimSpace(q.Get("agency")), Overdue: q.Get("overdue") != ""}
	ask := desk.ListRequest{Overdue: f.Overdue}
	switch {
	case f.Status == "":
		ask.Status = openStatuses()
	case slices.Contains(conversation.Statuses(), conversation.Status(f.Status)):
		ask.Status = []conversation.Status{conversation.Status(f.Status)}
	default:
		f.Status = "all"
	}
	if f.Agency != "" {
		ask.Agency = &f.Agency
	}
	d := listData{Filter: f, Empty: "tickets.none"}
	for _, s := range conversation.Statuses() {
		d.Statuses = append(d.Statuses, string(s))
	}
	c.list(w, r, who, "tickets", ask, d)
}

// list shows a page of a list.
func (c *Console) list(w http.ResponseWriter, r *http.Request, who viewer, word string, ask desk.ListRequest, d listData) {
	ask.Viewer, ask.Limit, ask.Cursor = who.desk, pageSize, r.URL.Query().Get("cursor")
	var err error
	d.Items, d.Next, err = c.o.Desk.List(r.Context(), ask)
	var invalid *desk.Invalid
	if errors.As(err, &invalid) && invalid.Field == "cursor" {
		http.Redirect(w, r, r.URL.Path, http.StatusSeeOther) // of another list: from its beginning
		return
	}
	if err == nil && (d.Triage || word == "tickets" && who.key.Agency == "") {
		d.Agencies, err = c.o.Agencies.List(r.Context(), who.desk)
	}
	if err != nil {
		c.refuse(w, r, who, err)
		return
	}
	d.Later, d.Once = ask.Cursor != "", rand.Text()
	c.show(w, r, who, http.StatusOK, "tickets", word, d)
}

// find leads from what was typed into the search to its ticket: by its number, else by the case system's own.
func (c *Console) find(w http.ResponseWriter, r *http.Request, who viewer) {
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	if n, err := conversation.ParseNumber(q); err == nil {
		_, err := c.o.Desk.Ticket(r.Context(), desk.TicketRequest{Viewer: who.desk, Number: n})
		if err == nil {
			http.Redirect(w, r, "/tickets/"+n.String(), http.StatusSeeOther)
			return
		}
		if !errors.Is(err, desk.ErrNotFound) {
			c.refuse(w, r, who, err)
			return
		}
	}
	if q != "" && len(q) <= 200 {
		found, _, err := c.o.Desk.List(r.Context(), desk.ListRequest{Viewer: who.desk, ExternalID: q, Limit: 1})
		if err != nil {
			c.refuse(w, r, who, err)
			return
		}
		if len(found) > 0 {
			http.Redirect(w, r, "/tickets/"+found[0].Number, http.StatusSeeOther)
			return
		}
	}
	c.show(w, r, who, http.StatusNotFound, "find", "find", findData{q})
}

type findData struct{ Q string }
