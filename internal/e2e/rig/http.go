package rig

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"aduan/internal/desk"
)

var transport = &http.Transport{DisableKeepAlives: true}

// Get asks the daemon's HTTP; key may be empty.
func (d *Daemon) Get(path, key string) (status int, body []byte, err error) {
	return d.Do(http.MethodGet, path, key, "", nil)
}

// Post posts a value as JSON; idempotency may be empty.
func (d *Daemon) Post(path, key, idempotency string, value any) (status int, body []byte, err error) {
	b, err := json.Marshal(value)
	if err != nil {
		return 0, nil, err
	}
	return d.Do(http.MethodPost, path, key, idempotency, b)
}

// Do asks the daemon's HTTP.
func (d *Daemon) Do(method, path, key, idempotency string, send []byte) (status int, body []byte, err error) {
	r, err := http.NewRequest(method, "http://"+d.Config.HTTP+path, bytes.NewReader(send))
	if err != nil {
		return 0, nil, err
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if idempotency != "" {
		r.Header.Set("Idempotency-Key", idempotency)
	}
	if send != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := d.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, errors.Join(err, resp.Body.Close())
}

// Ticket reads a ticket over the staff API.
func (d *Daemon) Ticket(key, number string) desk.TicketView {
	d.t.Helper()
	status, body, err := d.Get("/v1/tickets/"+number, key)
	if err != nil || status != 200 {
		d.t.Fatalf("rig: GET ticket %s: %d %s %v", number, status, body, err)
	}
	var view desk.TicketView
	if err := json.Unmarshal(body, &view); err != nil {
		d.t.Fatalf("rig: ticket %s: %v in %s", number, err, body)
	}
	return view
}
