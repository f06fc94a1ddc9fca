package main

import "github.com/spf13/cobra"

func newTickets() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tickets",
		Short: "Tickets of a running line",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTicketsProof())
	return cmd
}
