package staffapi_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"aduan/internal/desk"
)

const eventID = "01J00000000000000000000001" + "07"

// letters are what waits for a person in the fake desk: one of each kind, of the agency "pu".
var letters = []desk.DeadLetter{
	{ID: smsID, Kind: desk.LetterSMS, Ticket: one.String(), At: time.Unix(1, 0).UTC(), Error: "0x45", Tries: 3, Waiting: 1},
	{ID: eventID, Kind: desk.LetterEvent, Ticket: one.String(), Type: "complaint.filed", At: time.Unix(2, 0).UTC(), Error: "500", Tries: 9, Waiting: 4, Next: time.Unix(3, 0).UTC()},
}

func (d *fakeDesk) DeadLetters(_ context.Context, r desk.DeadLettersRequest) ([]desk.DeadLetter, string, error) {
	if r.Cursor == "bad" {
		return nil, "", &desk.Invalid{Field: "cursor", Reason: "not one that this list gave"}
	}
	if d.seen(r.Viewer, one) != nil {
		return nil, "", nil
	}
	var out []desk.DeadLetter
	for _, l := range letters {
		if (r.Kind == "" || l.Kind == r.Kind) && l.ID > r.Cursor {
			if out = append(out, l); len(out) == r.Limit {
				return out, l.ID, nil
			}
		}
	}
	return out, "", nil
}

func (d *fakeDesk) RetryLetter(_ context.Context, r desk.DeadLetterRequest) error {
	return d.decided("retry", r)
}

func (d *fakeDesk) DropLetter(_ context.Context, r desk.DeadLetterRequest) error {
	return d.decided("drop", r)
}

func (d *fakeDesk) decided(what string, r desk.DeadLetterRequest) error {
	if !slices.ContainsFunc(letters, func(l desk.DeadLetter) bool { return l.ID == r.ID }) {
		return desk.ErrNotFound
	}
	if err := d.seen(r.Viewer, one); err != nil {
		return err
	}
	d.decisions = append(d.decisions, what+" "+r.ID)
	return nil
}

func TestDeadLettersAreSeenAndDecidedOn(t *testing.T) {
	a := newAPI(t, nil)
	for _, c := range []struct {
		name, method, path, key string
		code                    int
		has                     string
	}{
		{"all of them", "GET", "/v1/deadletters", "ops", 200, `"next":null`},
		{"a page", "GET", "/v1/deadletters?limit=1", "ops", 200, `"next":"` + smsID + `"`},
		{"one kind", "GET", "/v1/deadletters?kind=event", "ops", 200, `"waiting":4`},
		{"no such kind", "GET", "/v1/deadletters?kind=letter", "ops", 422, "invalid"},
		{"a cursor of nobody", "GET", "/v1/deadletters?cursor=bad", "ops", 422, "invalid"},
		{"without the scope", "GET", "/v1/deadletters", "all", 403, "forbidden"},
		{"sent again", "POST", "/v1/deadletters/" + smsID + "/retry", "ops", 204, ""},
		{"given up", "POST", "/v1/deadletters/" + eventID + "/drop", "ops", 204, ""},
		{"one that does not wait", "POST", "/v1/deadletters/nothing/retry", "ops", 404, "not_found"},
		{"decided without the scope", "POST", "/v1/deadletters/" + smsID + "/drop", "all", 403, "forbidden"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := a.do(ask(c.method, c.path, c.key, ""))
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.has) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	if want := []string{"retry " + smsID, "drop " + eventID}; !slices.Equal(a.desk.decisions, want) {
		t.Errorf("%v", a.desk.decisions)
	}
}
