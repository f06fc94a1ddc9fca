// Command apiclient works on a line with a client that oapi-codegen made of its /openapi.json: what a developer of a case system
// in another house would do. It is a module of its own, so that what it needs is not what the line needs.
//
//	apiclient URL KEY
//
// It files a report, reads it back, sets its status, hands it on, lists, pulls its events and reads an agency. It prints what it
// did, and ends with 1 where the line answered otherwise than its document says.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "apiclient URL KEY")
		os.Exit(2)
	}
	if err := work(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "apiclient:", err)
		os.Exit(1)
	}
}

func work(ctx context.Context, url, key string) error {
	c, err := NewClientWithResponses(url, WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+key)
		return nil
	}))
	if err != nil {
		return err
	}
	number, err := file(ctx, c)
	if err != nil {
		return err
	}
	if err := push(ctx, c, number); err != nil {
		return err
	}
	return look(ctx, c, number)
}

func file(ctx context.Context, c *ClientWithResponses) (string, error) {
	once, external := "web-1", "W-1"
	filed, err := c.FileTicketWithResponse(ctx, &FileTicketParams{IdempotencyKey: &once}, FileBody{Text: "jalan rusak di depan pasar", ExternalId: &external})
	if err != nil {
		return "", err
	}
	if filed.JSON201 == nil {
		return "", fmt.Errorf("a report is answered %s", filed.Status())
	}
	fmt.Println("filed", filed.JSON201.Status)
	return filed.JSON201.Number, nil
}

func push(ctx context.Context, c *ClientWithResponses, number string) error {
	note, once := "Tim datang besok", "status-1"
	pushed, err := c.PushStatusWithResponse(ctx, number, &PushStatusParams{IdempotencyKey: &once}, StatusBody{Status: "verified", Note: &note})
	if err != nil {
		return err
	}
	if pushed.JSON202 == nil || pushed.JSON202.Status != "verified" {
		return fmt.Errorf("a status is answered %s", pushed.Status())
	}
	fmt.Println("pushed", pushed.JSON202.Status)
	if handed, err := c.AssignTicketWithResponse(ctx, number, nil, AssignBody{Agency: "BPOM"}); err != nil || handed.JSON202 == nil {
		return fmt.Errorf("an assignment is answered %s, %w", handed.Status(), err)
	}
	fmt.Println("handed on")
	refused, err := c.PushStatusWithResponse(ctx, number, nil, StatusBody{Status: "filed"})
	if err != nil {
		return err
	}
	if p := refused.ApplicationproblemJSON422; p == nil || p.Code != "invalid" {
		return fmt.Errorf("a status that staff do not set is answered %s", refused.Status())
	}
	fmt.Println("refused as it should be")
	return nil
}

func look(ctx context.Context, c *ClientWithResponses, number string) error {
	ticket, err := c.GetTicketWithResponse(ctx, number)
	if err != nil {
		return err
	}
	if t := ticket.JSON200; t == nil || t.Number != number || t.Agency != "BPOM" || len(t.History) != 3 || len(t.Texts) != 1 {
		return fmt.Errorf("the ticket is answered %s: %+v", ticket.Status(), ticket.JSON200)
	}
	external := "W-1"
	list, err := c.ListTicketsWithResponse(ctx, &ListTicketsParams{ExternalId: &external})
	if err != nil {
		return err
	}
	if list.JSON200 == nil || len(list.JSON200.Items) != 1 || list.JSON200.Items[0].Number != number {
		return fmt.Errorf("the list is answered %s", list.Status())
	}
	fmt.Println("found by its external id")
	events, err := c.PullEventsWithResponse(ctx, nil)
	if err != nil {
		return err
	}
	if events.JSON200 == nil || len(events.JSON200.Items) < 3 || events.JSON200.Items[0].Type != "complaint.filed" {
		return fmt.Errorf("events are answered %s", events.Status())
	}
	if t := events.JSON200.Items[0].Data.Ticket; t == nil || t.Number != number {
		return fmt.Errorf("the first event's ticket is %+v", t)
	}
	fmt.Println("pulled", len(events.JSON200.Items), "events")
	agency, err := c.GetAgencyWithResponse(ctx, "BPOM")
	if err != nil {
		return err
	}
	if agency.JSON200 == nil || !agency.JSON200.Configured {
		return fmt.Errorf("the agency is answered %s", agency.Status())
	}
	fmt.Println("read an agency")
	return nil
}
