package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"aduan/configs"
	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/turn"
	"aduan/internal/visible"
	"aduan/store"
)

func newTickets() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tickets",
		Short: "List tickets, show one, prove that its citizen was told",
		Long: `Lists tickets, or shows one with its history and its SMS, as the staff API does.

It asks the store and no daemon, changes nothing, and works while the line runs.
Numbers are masked, and texts, answers and notes left out; --unmasked shows them to
who has an API key with the scope pii:read, in $ADUAN_KEY or --key-file (mode 0600),
and stands in the audit trail.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTicketsList(), newTicketsShow(), newTicketsProof())
	return cmd
}

// ticketPage is how many tickets are read at a time.
const ticketPage = 200

// reveal is how a tool is let see whole numbers and texts.
type reveal struct {
	unmasked bool
	keyFile  string
}

func revealFlags(cmd *cobra.Command) *reveal {
	v := &reveal{}
	cmd.Flags().BoolVar(&v.unmasked, "unmasked", false, "show whole numbers and texts: needs an API key with pii:read")
	cmd.Flags().StringVar(&v.keyFile, "key-file", "", "file with that key, mode 0600 (default: $"+keyVariable+")")
	return v
}

// viewer is who looks.
func (v *reveal) viewer(ctx context.Context, s *store.Store) (desk.Viewer, error) {
	if !v.unmasked {
		return desk.Viewer{Name: store.AuditCLI, KeyID: store.AuditCLI}, nil
	}
	k, err := permit(ctx, s, v.keyFile, "pii:read")
	return desk.Viewer{Name: k.Name, KeyID: k.ID, Scopes: slices.Clone(k.Scopes), Reveal: true}, err
}

// lookingDesk is a desk of a tool that only looks.
func lookingDesk(cfg *configs.Config, s *store.Store) *turn.Desk {
	wires := wiresOf(cfg)
	return turn.NewDesk(turn.New(turn.Options{
		Store: s, Outbox: noOutbox{}, Now: time.Now, ShortCode: cfg.Line.ShortCode, Region: cfg.Line.Region, DefaultLink: cfg.SMPP.Default(),
		Count: func(_, text string) (string, int, int) { return wires.Count(text) },
	}))
}

func newTicketsList() *cobra.Command {
	var r desk.ListRequest
	var status []string
	var agency string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List tickets, newest first",
		Example: "  aduan tickets list --overdue\n  aduan tickets list --status filed,verified --agency '' -n 20\n" +
			"  aduan tickets list --external-id 4711 -o json",
		Args: usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	output := outputFlag(cmd)
	show := revealFlags(cmd)
	cmd.Flags().StringSliceVar(&status, "status", nil, "only these statuses, by comma")
	cmd.Flags().StringVar(&agency, "agency", "", "only of this agency; '': of the triage desk (default: of any)")
	cmd.Flags().BoolVar(&r.Overdue, "overdue", false, "only those whose limit has passed")
	cmd.Flags().StringVar(&r.ExternalID, "external-id", "", "only those that the case system knows by this id")
	cmd.Flags().IntVarP(&r.Limit, "last", "n", 50, "at most so many; 0: all")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		if r.Limit < 0 {
			return withCode(exitUsage, errors.New("--last: expected 0 or more"))
		}
		for _, s := range status {
			if !slices.Contains(conversation.Statuses(), conversation.Status(s)) {
				return withCode(exitUsage, fmt.Errorf("--status: there is no %q; there are %s", s, strings.Join(statusNames(), ", ")))
			}
			r.Status = append(r.Status, conversation.Status(s))
		}
		if cmd.Flags().Changed("agency") {
			r.Agency = &agency
		}
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			if r.Viewer, err = show.viewer(ctx, s); err != nil {
				return err
			}
			items, err := listTickets(ctx, lookingDesk(cfg, s), r)
			if err != nil {
				return err
			}
			for i := range items {
				silence(&items[i], r.Viewer)
			}
			if *output == "json" {
				return printJSON(cmd.OutOrStdout(), items)
			}
			return printTickets(cmd.OutOrStdout(), items)
		})
	}
	return cmd
}

func statusNames() []string {
	names := make([]string, 0, 10)
	for _, s := range conversation.Statuses() {
		names = append(names, string(s))
	}
	return names
}

// listTickets goes through the pages until there are enough.
func listTickets(ctx context.Context, d *turn.Desk, r desk.ListRequest) ([]desk.TicketView, error) {
	most, items := r.Limit, []desk.TicketView{}
	for {
		r.Limit = ticketPage
		if most > 0 {
			r.Limit = min(ticketPage, most-len(items))
		}
		page, next, err := d.List(ctx, r)
		if err != nil {
			return nil, err
		}
		items = append(items, page...)
		if r.Cursor = next; next == "" || most > 0 && len(items) >= most {
			return items, nil
		}
	}
}

func newTicketsShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NUMBER",
		Short:   "Show one ticket with its history and its SMS",
		Long:    "Shows one ticket, by its number in any dress, with its history and its SMS.\n\nExit code 6 where there is none, 5 where --unmasked is not permitted.",
		Example: "  aduan tickets show 4821-3769",
		Args:    usageArgs(cobra.ExactArgs(1)),
	}
	file := configFlag(cmd)
	output := outputFlag(cmd)
	show := revealFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		number, err := conversation.ParseNumber(args[0])
		switch {
		case errors.Is(err, conversation.ErrMistyped):
			return withCode(exitNotFound, errors.New("tickets: no ticket has this number: its check digit is wrong, so a digit is mistyped"))
		case err != nil:
			return withCode(exitUsage, fmt.Errorf("tickets: %w", err))
		}
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			who, err := show.viewer(ctx, s)
			if err != nil {
				return err
			}
			t, err := lookingDesk(cfg, s).Ticket(ctx, desk.TicketRequest{Viewer: who, Number: number})
			if errors.Is(err, desk.ErrNotFound) {
				return withCode(exitNotFound, fmt.Errorf("tickets: there is no ticket %s", number))
			}
			if err != nil {
				return err
			}
			silence(&t, who)
			if *output == "json" {
				return printJSON(cmd.OutOrStdout(), t)
			}
			return printTicket(cmd.OutOrStdout(), &t)
		})
	}
	return cmd
}

// silence takes out what people wrote, unless the viewer may read it.
func silence(t *desk.TicketView, v desk.Viewer) {
	if v.Reveal {
		return
	}
	for i := range t.Texts {
		t.Texts[i].Text = ""
	}
	for i := range t.Answers {
		t.Answers[i].Text = ""
	}
	for i := range t.History {
		t.History[i].Note = ""
	}
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func printTickets(w io.Writer, items []desk.TicketView) error {
	if len(items) == 0 {
		_, err := fmt.Fprintln(w, "no tickets")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "NUMBER\tSTATUS\tFILED\tCATEGORY\tAGENCY\tCITIZEN\tEXTERNAL ID")
	for i := range items {
		t := &items[i]
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Number, t.Status, t.FiledAt.UTC().Format(time.RFC3339), cmp.Or(t.Category, "-"),
			visible.Text(cmp.Or(t.Agency, "-")), t.Citizen.Number+t.Citizen.Alias, visible.Text(cmp.Or(t.ExternalID, "-")))
	}
	return tw.Flush()
}

func printTicket(w io.Writer, t *desk.TicketView) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(tw, "%s\t%s\n", name, visible.Text(cmp.Or(value, "-"))) }
	at := func(when time.Time) string { return when.UTC().Format(time.RFC3339) }
	line("ticket", t.Number)
	line("kind", t.Kind)
	line("status", t.Status)
	line("filed", at(t.FiledAt))
	line("category", t.Category)
	line("agency", t.Agency)
	line("likely agency", t.Likely)
	line("citizen", t.Citizen.Number+t.Citizen.Alias)
	line("link", t.Link)
	line("external id", t.ExternalID)
	var marks []string
	for _, m := range []struct {
		is   bool
		name string
	}{{t.Confidential, "confidential"}, {t.Urgent, "urgent"}, {t.Incomplete, "incomplete"}} {
		if m.is {
			marks = append(marks, m.name)
		}
	}
	if t.Rating != nil {
		marks = append(marks, fmt.Sprintf("rated %d", *t.Rating))
	}
	line("marks", strings.Join(marks, ", "))
	for _, x := range t.Texts {
		line("text "+at(x.At), cmp.Or(x.Text, "(not shown)"))
	}
	for _, a := range t.Answers {
		line("answer "+at(a.At), a.Question+": "+cmp.Or(a.Text, "(not shown)"))
	}
	for _, c := range t.History {
		what := c.From + " -> " + c.To
		if c.From == "" || c.From == c.To {
			what = c.To
		}
		if c.Agency != nil {
			what += ", to " + cmp.Or(*c.Agency, "the triage desk")
		}
		line("change "+at(c.At), strings.TrimSpace(what+" by "+c.By+" "+c.Note))
	}
	for _, m := range t.Messages {
		line("SMS "+m.ID, strings.TrimSpace(fmt.Sprintf("%s, %d segment(s), link %s %s", m.State, m.Segments, cmp.Or(m.Link, "-"), m.Error)))
	}
	return tw.Flush()
}
