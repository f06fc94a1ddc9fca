package console

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"aduan/internal/desk"
)

// maxOfficers is how many rows the form of an agency has at most.
const maxOfficers = 20

type agenciesData struct{ Items []desk.Agency }

// agencyData is one agency with its form.
type agencyData struct {
	desk.Agency
	Others  []desk.Agency
	Rows    []desk.Officer // with empty ones to fill in
	Problem string
}

func (d agencyData) title() string { return d.Name }

func (c *Console) agencies(w http.ResponseWriter, r *http.Request, who viewer) {
	all, err := c.o.Agencies.List(r.Context(), who.desk)
	if err != nil {
		c.refuse(w, r, who, err)
		return
	}
	slices.SortFunc(all, func(a, b desk.Agency) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	c.show(w, r, who, http.StatusOK, "agencies", "agencies", agenciesData{all})
}

func (c *Console) agency(w http.ResponseWriter, r *http.Request, who viewer) {
	a, err := c.o.Agencies.Get(r.Context(), who.desk, r.PathValue("name"))
	if err != nil {
		c.refuse(w, r, who, err)
		return
	}
	c.showAgency(w, r, who, http.StatusOK, agencyData{Agency: a})
}

func (c *Console) showAgency(w http.ResponseWriter, r *http.Request, who viewer, status int, d agencyData) {
	if who.may("POST /agencies/{name}") {
		var err error
		if d.Others, err = c.o.Agencies.List(r.Context(), who.desk); err != nil {
			c.refuse(w, r, who, err)
			return
		}
		d.Rows = append(slices.Clone(d.Officers), desk.Officer{}, desk.Officer{})
		d.Rows = d.Rows[:min(len(d.Rows), max(maxOfficers, len(d.Officers)))]
	}
	c.show(w, r, who, status, "agency", "agencies", d)
}

// putAgency keeps the agency's details as its form says, unless somebody else changed them meanwhile.
func (c *Console) putAgency(w http.ResponseWriter, r *http.Request, who viewer) {
	name := r.PathValue("name")
	a, err := c.o.Agencies.Get(r.Context(), who.desk, name)
	if err != nil && !errors.Is(err, desk.ErrNotFound) {
		c.refuse(w, r, who, err)
		return
	}
	version, err := strconv.ParseUint(r.PostForm.Get("version"), 10, 64)
	if err != nil {
		c.fail(w, r, who, http.StatusUnprocessableEntity)
		return
	}
	a.Name, a.Parent, a.Officers = name, strings.TrimSpace(r.PostForm.Get("parent")), officersOf(r.PostForm)
	_, _, err = c.o.Agencies.Put(r.Context(), desk.PutAgencyRequest{Viewer: who.desk, Agency: a, If: &version})
	var invalid *desk.Invalid
	switch {
	case err == nil:
		http.Redirect(w, r, "/agencies/"+url.PathEscape(name)+"?done=agency", http.StatusSeeOther)
	case errors.Is(err, desk.ErrChanged):
		c.showAgency(w, r, who, http.StatusConflict, agencyData{Agency: a, Problem: "problem.changed"})
	case errors.As(err, &invalid):
		word := "problem.invalid"
		if known("problem.agency." + invalid.Field) {
			word = "problem.agency." + invalid.Field
		}
		c.showAgency(w, r, who, http.StatusUnprocessableEntity, agencyData{Agency: a, Problem: word})
	default:
		c.refuse(w, r, who, err)
	}
}

// officersOf reads the rows of the form; one without a name is none.
func officersOf(p url.Values) []desk.Officer {
	var all []desk.Officer
	names, emails, roles := p["officer"], p["email"], p["role"]
	for i, name := range names {
		if name = strings.TrimSpace(name); name != "" && i < len(emails) && i < len(roles) && len(all) < maxOfficers {
			all = append(all, desk.Officer{Name: name, Email: strings.TrimSpace(emails[i]), Role: strings.TrimSpace(roles[i])})
		}
	}
	return all
}

type meData struct {
	ID     string
	Scopes []string
}

// me tells who is signed in, and what the session may do.
func (c *Console) me(w http.ResponseWriter, r *http.Request, who viewer) {
	c.show(w, r, who, http.StatusOK, "me", "me", meData{who.key.ID, who.key.Scopes})
}
