package console

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"go.uber.org/zap"

	"aduan/conversation"
	"aduan/internal/desk"
)

// maxSegments of a push from the console: the API's default.
const maxSegments = 3

// ticketData is what the page of a ticket shows.
type ticketData struct {
	desk.TicketView
	Events   []event
	Statuses []string // that may be pushed now
	Agencies []desk.Agency
	Status   form
	Question form
	Assign   form
	Revealed bool
}

func (d ticketData) title() string { return d.Number }

// form is one of the page's forms as it was sent, or empty.
type form struct {
	Status, Text, Agency string
	Silent               bool   // without an SMS
	Once                 string // names this filling of the form: sent twice, it is done once
	Draft                *desk.DraftView
	Problem              string // a key of words; "": none
	Segments, Max        int    // of a problem
}

// staffStatuses are those that staff may set, in the order of a ticket's life.
func staffStatuses(now conversation.Status) []string {
	if now == conversation.Closed {
		return []string{string(conversation.Reopened)}
	}
	var all []string
	for _, s := range conversation.Statuses() {
		if s != conversation.Filed && s != conversation.Withdrawn {
			all = append(all, string(s))
		}
	}
	return all
}

func (c *Console) ticket(w http.ResponseWriter, r *http.Request, who viewer) {
	c.showTicket(w, r, who, http.StatusOK, ticketData{})
}

// reveal shows the ticket with the citizen's number; that it was shown is noted by the desk.
func (c *Console) reveal(w http.ResponseWriter, r *http.Request, who viewer) {
	who.desk.Reveal = true
	c.showTicket(w, r, who, http.StatusOK, ticketData{Revealed: true})
}

// showTicket shows the ticket of the path as it is now, with the forms of d.
func (c *Console) showTicket(w http.ResponseWriter, r *http.Request, who viewer, status int, d ticketData) {
	n, ok := c.number(w, r, who)
	if !ok {
		return
	}
	var err error
	if d.TicketView, err = c.o.Desk.Ticket(r.Context(), desk.TicketRequest{Viewer: who.desk, Number: n}); err != nil {
		c.refuse(w, r, who, err)
		return
	}
	if d.Revealed && d.Citizen.Number != "" {
		c.o.Log.Info("number shown", zap.String("key", who.key.ID), zap.String("ticket", n.String()))
	}
	d.Events, d.Statuses = timeline(d.TicketView), staffStatuses(conversation.Status(d.TicketView.Status))
	if who.may("POST /tickets/{number}/assign") {
		if d.Agencies, err = c.o.Agencies.List(r.Context(), who.desk); err != nil {
			c.refuse(w, r, who, err)
			return
		}
	}
	for _, f := range []*form{&d.Status, &d.Question, &d.Assign} {
		if f.Once == "" {
			f.Once = rand.Text()
		}
	}
	if d.Status.Status == "" && len(d.Statuses) > 0 {
		d.Status.Status = next(conversation.Status(d.TicketView.Status), d.Statuses)
	}
	c.show(w, r, who, status, "ticket", "ticket", d)
}

// next is the status that usually follows, offered first.
func next(now conversation.Status, offered []string) string {
	usual := map[conversation.Status]conversation.Status{
		conversation.Filed: conversation.Verified, conversation.Verified: conversation.InProgress, conversation.Forwarded: conversation.InProgress,
		conversation.InProgress: conversation.Resolved, conversation.NeedsInformation: conversation.InProgress, conversation.Reopened: conversation.InProgress,
		conversation.Resolved: conversation.Closed,
	}
	if s := string(usual[now]); slices.Contains(offered, s) {
		return s
	}
	return offered[0]
}

// number reads the ticket's number of the path. A mistyped one answers like one that does not exist, or is another agency's.
func (c *Console) number(w http.ResponseWriter, r *http.Request, who viewer) (conversation.Number, bool) {
	n, err := conversation.ParseNumber(r.PathValue("number"))
	if err != nil {
		c.fail(w, r, who, http.StatusNotFound)
		return 0, false
	}
	return n, true
}

func (c *Console) pushStatus(w http.ResponseWriter, r *http.Request, who viewer) {
	n, ok := c.number(w, r, who)
	if !ok {
		return
	}
	f := formOf(r)
	push := desk.StatusRequest{
		Viewer: who.desk, Number: n, Status: conversation.Status(f.Status), Note: f.Text, Notify: !f.Silent, MaxSegments: maxSegments,
		Idempotency: once(who, "status", n, f),
	}
	if drafted(r) {
		draft, err := c.o.Desk.DraftStatus(r.Context(), push)
		c.showDraft(w, r, who, f, draft, err, func(d *ticketData) *form { return &d.Status })
		return
	}
	a, _, err := c.o.Desk.PushStatus(r.Context(), push)
	c.pushed(w, r, who, a.Refused, err, f, "status", func(d *ticketData) *form { return &d.Status })
}

func (c *Console) pushQuestion(w http.ResponseWriter, r *http.Request, who viewer) {
	n, ok := c.number(w, r, who)
	if !ok {
		return
	}
	f := formOf(r)
	ask := desk.QuestionRequest{Viewer: who.desk, Number: n, Text: f.Text, MaxSegments: maxSegments, Idempotency: once(who, "question", n, f)}
	at := func(d *ticketData) *form { return &d.Question }
	if f.Text == "" {
		f.Problem = "problem.empty"
		c.again(w, r, who, http.StatusUnprocessableEntity, f, at)
		return
	}
	if drafted(r) {
		draft, err := c.o.Desk.DraftQuestion(r.Context(), ask)
		c.showDraft(w, r, who, f, draft, err, at)
		return
	}
	a, _, err := c.o.Desk.PushQuestion(r.Context(), ask)
	c.pushed(w, r, who, a.Refused, err, f, "question", at)
}

// assign hands the ticket to an agency, with a note to the citizen if wished.
func (c *Console) assign(w http.ResponseWriter, r *http.Request, who viewer) {
	n, ok := c.number(w, r, who)
	if !ok {
		return
	}
	f := formOf(r)
	_, _, err := c.o.Desk.Assign(r.Context(), desk.AssignRequest{
		Viewer: who.desk, Number: n, Agency: f.Agency, Note: f.Text, Notify: !f.Silent, MaxSegments: maxSegments, Idempotency: once(who, "assign", n, f),
	})
	if to := local(r.PostForm.Get("to")); err == nil && to != "" { // from a list: back to it
		http.Redirect(w, r, withDone(to, "assign"), http.StatusSeeOther)
		return
	}
	if err == nil && who.key.Agency != "" && f.Agency != who.key.Agency { // it is not this viewer's any more
		http.Redirect(w, r, withDone("/", "assign"), http.StatusSeeOther)
		return
	}
	c.pushed(w, r, who, nil, err, f, "assign", func(d *ticketData) *form { return &d.Assign })
}

func withDone(to, what string) string {
	path, _, _ := strings.Cut(to, "?")
	return path + "?done=" + what
}

// formOf reads a form; line ends are those of an SMS.
func formOf(r *http.Request) form {
	p := r.PostForm
	text := strings.TrimSpace(strings.ReplaceAll(p.Get("text"), "\r\n", "\n"))
	return form{Status: p.Get("status"), Text: text, Agency: strings.TrimSpace(p.Get("agency")), Silent: p.Get("notify") != "on", Once: p.Get("once")}
}

// once makes a form that is sent twice be done once.
func once(who viewer, what string, n conversation.Number, f form) *desk.Idempotency {
	if f.Once == "" {
		return nil
	}
	body, err := json.Marshal([]any{f.Status, f.Text, f.Agency, f.Silent})
	if err != nil {
		return nil
	}
	return &desk.Idempotency{Key: digest("console", who.key.ID, what, n.String(), f.Once), Fingerprint: digest(string(body))}
}

func digest(parts ...string) string {
	b, _ := json.Marshal(parts) // strings always can
	h := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// drafted tells that the SMS is to be shown and not sent.
func drafted(r *http.Request) bool { return r.PostForm.Get("do") == "preview" }

// showDraft shows the SMS: the script gets it alone, who has none the page with it.
func (c *Console) showDraft(w http.ResponseWriter, r *http.Request, who viewer, f form, draft desk.DraftView, err error, at func(*ticketData) *form) {
	if err != nil {
		if f.refused(err); f.Problem == "" {
			c.refuse(w, r, who, err)
			return
		}
	} else {
		f.Draft = &draft
	}
	if r.Header.Get("X-Fragment") != "" {
		c.render(w, languageOf(r), "ticket", "fragment", http.StatusOK, f)
		return
	}
	c.again(w, r, who, http.StatusOK, f, at)
}

// again shows the page with a form as it was filled in.
func (c *Console) again(w http.ResponseWriter, r *http.Request, who viewer, status int, f form, at func(*ticketData) *form) {
	var d ticketData
	*at(&d) = f
	c.showTicket(w, r, who, status, d)
}

// pushed leads back to the ticket, or shows the form again with what is wrong.
func (c *Console) pushed(w http.ResponseWriter, r *http.Request, who viewer, refused *string, err error, f form, what string, at func(*ticketData) *form) {
	if err == nil {
		if refused != nil {
			what = "optedOut"
		}
		http.Redirect(w, r, withDone("/tickets/"+r.PathValue("number"), what), http.StatusSeeOther)
		return
	}
	if f.refused(err); f.Problem == "" {
		c.refuse(w, r, who, err)
		return
	}
	status := http.StatusUnprocessableEntity
	if errors.Is(err, desk.ErrClosed) || errors.Is(err, desk.ErrErased) || errors.Is(err, desk.ErrKeyMisused) {
		status = http.StatusConflict
	}
	if errors.Is(err, desk.ErrKeyMisused) {
		f.Once = "" // a new filling
	}
	c.again(w, r, who, status, f, at)
}

// refused says at the form why it was not done; nothing where the form is not to blame.
func (f *form) refused(err error) {
	var long *desk.TooLong
	var invalid *desk.Invalid
	switch {
	case errors.As(err, &long):
		f.Problem, f.Segments, f.Max = "problem.tooLong", long.Segments, long.Max
	case errors.As(err, &invalid) && invalid.Field == "agency":
		f.Problem = "problem.agency"
	case errors.As(err, &invalid) && invalid.Field == "text":
		f.Problem = "problem.secret"
	case errors.As(err, &invalid):
		f.Problem = "problem.invalid"
	case errors.Is(err, desk.ErrClosed):
		f.Problem = "problem.closed"
	case errors.Is(err, desk.ErrErased):
		f.Problem = "problem.erased"
	case errors.Is(err, desk.ErrKeyMisused):
		f.Problem = "problem.twice"
	}
}

// refuse shows a page for what the desk refused.
func (c *Console) refuse(w http.ResponseWriter, r *http.Request, who viewer, err error) {
	switch {
	case errors.Is(err, desk.ErrNotFound):
		c.fail(w, r, who, http.StatusNotFound)
	case errors.Is(err, desk.ErrForbidden):
		c.fail(w, r, who, http.StatusForbidden)
	case errors.Is(err, desk.ErrUnavailable):
		c.o.Log.Warn("the store does not answer the console", zap.Error(err))
		w.Header().Set("Retry-After", "5")
		c.fail(w, r, who, http.StatusServiceUnavailable)
	default:
		c.o.Log.Error("a page could not be made", zap.Error(err))
		c.fail(w, r, who, http.StatusInternalServerError)
	}
}
