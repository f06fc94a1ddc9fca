package turn_test

import (
	"errors"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
)

func TestAViewerOfOneAgencyListsThatAgencysAlone(t *testing.T) {
	s := newStage(t)
	s.now = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	pu, air, triage := "pu", "air", ""
	var numbers []conversation.Number
	for i := range 6 {
		s.now = s.now.Add(time.Minute)
		numbers = append(numbers, s.filed(i))
	}
	give := func(n conversation.Number, agency *string, status conversation.Status) {
		t.Helper()
		if _, _, err := s.push(n, status, func(r *desk.StatusRequest) {
			r.Agency, r.Notify = agency, false
			id := "K" + n.String()
			r.ExternalID = &id
		}); err != nil {
			t.Fatal(err)
		}
	}
	give(numbers[1], &pu, conversation.Verified)
	give(numbers[2], &air, conversation.InProgress)
	give(numbers[3], &pu, conversation.Closed)
	s.now = s.now.AddDate(0, 1, 0) // what has a limit is overdue

	for name, c := range map[string]struct {
		ask  desk.ListRequest
		want []int
	}{
		"everything":                         {desk.ListRequest{}, []int{5, 4, 3, 2, 1, 0}},
		"an agency's, closed ones too":       {desk.ListRequest{Viewer: desk.Viewer{Agency: pu}}, []int{3, 1}},
		"another agency's is asked for":      {desk.ListRequest{Viewer: desk.Viewer{Agency: pu}, Agency: &air}, nil},
		"the triage desk's is asked for":     {desk.ListRequest{Viewer: desk.Viewer{Agency: pu}, Agency: &triage}, nil},
		"the triage desk":                    {desk.ListRequest{Agency: &triage}, []int{5, 4, 0}},
		"open ones of an agency":             {desk.ListRequest{Agency: &pu, Status: []conversation.Status{conversation.Filed, conversation.Verified}}, []int{1}},
		"closed ones":                        {desk.ListRequest{Status: []conversation.Status{conversation.Closed}}, []int{3}},
		"open and closed ones":               {desk.ListRequest{Status: []conversation.Status{conversation.Closed, conversation.InProgress}}, []int{3, 2}},
		"overdue":                            {desk.ListRequest{Overdue: true}, []int{5, 4, 1, 0}},
		"overdue and closed":                 {desk.ListRequest{Overdue: true, Status: []conversation.Status{conversation.Closed}}, nil},
		"by the case system's id":            {desk.ListRequest{ExternalID: "K" + numbers[2].String()}, []int{2}},
		"another's, by the case system's id": {desk.ListRequest{Viewer: desk.Viewer{Agency: pu}, ExternalID: "K" + numbers[2].String()}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			c.ask.Limit = 2
			for {
				items, next, err := s.desk.List(t.Context(), c.ask)
				if err != nil || len(items) > 2 {
					t.Fatalf("%d items, %v", len(items), err)
				}
				for _, x := range items {
					if len(x.Texts) != 1 || x.Citizen.Number == "" {
						t.Errorf("not the whole ticket: %+v", x)
					}
					got = append(got, x.Number)
				}
				if c.ask.Cursor = next; next == "" {
					break
				}
			}
			if len(got) != len(c.want) {
				t.Fatalf("%v, want %v", got, c.want)
			}
			for i, n := range c.want {
				if got[i] != numbers[n].String() {
					t.Errorf("%v, want %v", got, c.want)
				}
			}
		})
	}
	var invalid *desk.Invalid
	if _, _, err := s.desk.List(t.Context(), desk.ListRequest{Cursor: "?"}); !errors.As(err, &invalid) || invalid.Field != "cursor" {
		t.Error(err)
	}
}
