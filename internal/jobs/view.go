package jobs

import (
	"encoding/json"
	"fmt"

	"aduan/internal/desk"
	"aduan/store"
)

func read(job store.Job) (o order, results map[int]outcome, err error) {
	if err := json.Unmarshal(job.Order, &o); err != nil {
		return o, nil, fmt.Errorf("jobs: order of %s: %w", job.ID, err)
	}
	results = make(map[int]outcome, len(job.Results))
	for i, text := range job.Results {
		var r outcome
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return o, nil, fmt.Errorf("jobs: result of %s: %w", job.ID, err)
		}
		results[i] = r
	}
	return o, results, nil
}

func bulkView(job store.Job) (desk.BulkView, error) {
	o, results, err := read(job)
	if err != nil {
		return desk.BulkView{}, err
	}
	v := desk.BulkView{ID: job.ID, State: string(job.State), Total: job.Total, Done: len(results)}
	for i, asked := range o.Asked {
		r, done := results[i]
		if !done {
			continue
		}
		one := desk.BulkResult{Ticket: asked, Code: r.Code, Status: r.Status, Messages: r.Messages}
		if i < len(o.Tickets) && o.Tickets[i] != 0 {
			one.Ticket = o.Tickets[i].String()
		}
		if r.Refused != "" {
			one.Refused = &r.Refused
		}
		v.Results = append(v.Results, one)
	}
	return v, nil
}

func broadcastView(job store.Job) (desk.BroadcastView, error) {
	o, results, err := read(job)
	if err != nil {
		return desk.BroadcastView{}, err
	}
	v := desk.BroadcastView{
		ID: job.ID, State: string(job.State), By: job.By, Created: job.Created, Text: o.Text, Example: o.Example, Segments: o.Segments,
		PerSecond: o.PerSecond, Citizens: job.Total, Skipped: o.Skipped, Done: len(results), Refused: map[string]int{},
	}
	for _, r := range results {
		switch {
		case r.Code != "done":
			v.Refused[r.Code]++
		case r.Refused != "":
			v.Refused[r.Refused]++
		default:
			v.Queued += len(r.Messages)
		}
	}
	return v, nil
}
