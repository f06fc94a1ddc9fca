package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/proof"
	"aduan/internal/turn"
	"aduan/store"
)

func newTicketsProof() *cobra.Command {
	var html bool
	var lang, textFile string
	cmd := &cobra.Command{
		Use:   "proof NUMBER",
		Short: "Prove that the citizen was told: which SMS, when accepted, when delivered",
		Long: `Prints the record of a ticket's SMS: a hash of each text under the citizen's own
key, when the operator's SMSC took it, when a receipt said that it was delivered, and
the records of the audit trail that say so. --html writes the page that an office
prints. --text-file compares: whether an SMS said just what the file says. After an
erasure the hashes can no longer be verified.`,
		Example: "  aduan tickets proof 4821-3769\n  aduan tickets proof 4821-3769 --html --lang en >proof.html",
		Args:    usageArgs(cobra.ExactArgs(1)),
	}
	file := configFlag(cmd)
	output := outputFlag(cmd)
	cmd.Flags().BoolVar(&html, "html", false, "write the page to print")
	cmd.Flags().StringVar(&lang, "lang", "id", "language of the page: id or en")
	cmd.Flags().StringVar(&textFile, "text-file", "", "compare with the text of this file; - is standard input")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		n, err := conversation.ParseNumber(args[0])
		if err != nil {
			return withCode(exitNotFound, errors.New("tickets proof: no ticket has this number: a digit is mistyped"))
		}
		r := desk.ProofRequest{Number: n}
		if textFile != "" {
			if r.Text, err = textOf(textFile, cmd.InOrStdin()); err != nil {
				return err
			}
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			view, err := turn.NewDesk(turn.New(turn.Options{Store: s, Now: time.Now})).Proof(ctx, r)
			switch {
			case errors.Is(err, desk.ErrNotFound):
				return withCode(exitNotFound, errors.New("tickets proof: there is no such ticket"))
			case err != nil:
				return err
			case html:
				return proof.Write(cmd.OutOrStdout(), view, lang)
			case *output == "json":
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				enc.SetEscapeHTML(false)
				return enc.Encode(view)
			default:
				return printProof(cmd.OutOrStdout(), view)
			}
		})
	}
	return cmd
}

// textOf reads a text; the line's end that an editor writes is none of it.
func textOf(file string, stdin io.Reader) (*string, error) {
	var b []byte
	var err error
	if file == "-" {
		b, err = io.ReadAll(io.LimitReader(stdin, 64<<10))
	} else {
		b, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("--text-file: %w", err)
	}
	text := strings.TrimRight(string(b), "\r\n")
	return &text, nil
}

func printProof(out io.Writer, p desk.ProofView) error {
	fmt.Fprintf(out, "ticket %s, %s, filed %s\n", p.Ticket, p.Status, p.FiledAt.Format(time.RFC3339))
	if p.Erased {
		fmt.Fprintln(out, "the citizen's data were erased: the hashes can no longer be verified")
	}
	if len(p.Notices) == 0 {
		_, err := fmt.Fprintln(out, "no SMS was sent about it")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "SMS\tHASH OF ITS TEXT\tSTATE\tACCEPTED\tDELIVERED\tAUDIT RECORDS")
	for _, n := range p.Notices {
		var records []string
		for _, r := range n.Records {
			records = append(records, fmt.Sprintf("%s %s/%d", r.What, p.Chain, r.Record))
		}
		state := n.State
		if !n.Agrees {
			state += ", not what the trail says"
		}
		hash := dash(n.TextHash)
		if n.Same != nil && *n.Same {
			hash += " (this text)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", n.Message, hash, state, when(n.Accepted), when(n.Delivered), dash(strings.Join(records, ", ")))
	}
	return w.Flush()
}
