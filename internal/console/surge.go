package console

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"aduan/internal/tally"
)

// surgeDays is how far the page of surges looks back.
const surgeDays = 14

type surgeData struct{ Items []surge }

// surge is one that was told.
type surge struct {
	At time.Time
	tally.Told
}

// surges shows which complaints came in unusual numbers, newest first.
func (c *Console) surges(w http.ResponseWriter, r *http.Request, who viewer) {
	now := c.o.Now()
	events, err := c.o.Line.Announced(r.Context(), now.AddDate(0, 0, -surgeDays), now.Add(time.Minute))
	if err != nil {
		c.refuse(w, r, who, err)
		return
	}
	var d surgeData
	for _, ev := range slices.Backward(events) {
		s := surge{At: ev.At}
		if ev.Type == tally.EventSurge && json.Unmarshal(ev.Data, &s.Told) == nil {
			d.Items = append(d.Items, s)
		}
	}
	c.show(w, r, who, http.StatusOK, "surge", "surge", d)
}
