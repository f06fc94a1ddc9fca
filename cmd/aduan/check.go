package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"aduan/configs"
)

func newCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check configuration, catalogues and categories; start nothing",
		Long: `Reads the configuration, and the catalogues, categories and word lists that it
names, and prints every problem on a line of its own with its place. Nothing is
started and nothing is connected to.

Exit code 0 where all is well, 3 where something is wrong.`,
		Args: usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := configs.Load(*file)
		if err != nil {
			return err
		}
		if _, err := newEngine(cfg); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "configuration and catalogues are valid: %d link(s), store %s\n", len(cfg.SMPP.Links), cfg.Store.Mode)
		return nil
	}
	return cmd
}
