package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"aduan/internal/report"
	"aduan/internal/visible"
	"aduan/store"
)

func newReport() *cobra.Command {
	var day, from, to, agency, keyFile, form string
	var small bool
	var late int
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Figures of a time: received, answered, how fast, overdue, marks",
		Long: `Counts the tickets of a time, for the line, each agency and each category: received,
verified, answered, closed, reopened, what is open and overdue now, median and nine
of ten of the times from filing to verification, first answer and end (in hours of
the calendar), and the citizens' marks. It names the surges that were told, and with
--late the overdue tickets.

Without a time it is of yesterday, in line.timezone. It asks the store and no daemon,
reads every ticket in small steps that hold up nobody, and changes nothing.
Categories with less than 5 tickets are named without figures; --small shows them to
who has an API key with the scope admin, in $ADUAN_KEY or --key-file (mode 0600).`,
		Example: "  aduan report\n  aduan report --day 2026-11-22 --late 20\n  aduan report --from 2026-10-01 --to 2026-10-31 -o csv > october.csv",
		Args:    usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	cmd.Flags().StringVarP(&form, "output", "o", "text", "text, csv (RFC 4180, safe for spreadsheets) or json")
	cmd.Flags().StringVar(&day, "day", "", "a day, as 2026-11-22")
	cmd.Flags().StringVar(&from, "from", "", "from this day, or this moment (RFC 3339)")
	cmd.Flags().StringVar(&to, "to", "", "to the end of this day, or before this moment (default: now)")
	cmd.Flags().StringVar(&agency, "agency", "", "only the tickets of this agency")
	cmd.Flags().IntVar(&late, "late", 0, "name so many of the overdue tickets, the oldest limit first")
	cmd.Flags().BoolVar(&small, "small", false, "show categories with less than 5 tickets: needs an API key with admin")
	cmd.Flags().StringVar(&keyFile, "key-file", "", "file with that key, mode 0600 (default: $"+keyVariable+")")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if form != "text" && form != "csv" && form != "json" {
			return withCode(exitUsage, fmt.Errorf("--output: there is no %q; there are text, csv and json", form))
		}
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		loc, now := cfg.Line.Location(), time.Now()
		o := report.Options{Now: now, Agency: agency, Small: small, Late: late}
		if o.From, o.To, err = report.Period(day, from, to, now, loc); err != nil {
			return withCode(exitUsage, fmt.Errorf("report: %w", err))
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			if small {
				if _, err := permit(ctx, s, keyFile, "admin"); err != nil {
					return err
				}
			}
			r, err := report.Run(ctx, s, o)
			if err != nil {
				return err
			}
			switch form {
			case "csv":
				return r.CSV(cmd.OutOrStdout())
			case "json":
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				enc.SetEscapeHTML(false)
				return enc.Encode(r)
			}
			return r.Table(cmd.OutOrStdout(), loc, visible.Text)
		})
	}
	return cmd
}
