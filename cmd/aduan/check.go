package main

import (
	"errors"
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
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		if err := errors.Join(checkWords(cfg), checkKeyFile(cfg.Store.KeyFile)); err != nil {
			return err
		}
		for _, w := range notes(cfg) {
			fmt.Fprintln(cmd.ErrOrStderr(), indent("note: "+w))
		}
		fmt.Fprintf(cmd.OutOrStdout(), "configuration and catalogues are valid: %d link(s), store %s\n", len(cfg.SMPP.Links), cfg.Store.Mode)
		return nil
	}
	return cmd
}

func checkWords(cfg *configs.Config) error {
	_, err := newEngine(cfg)
	return err
}
