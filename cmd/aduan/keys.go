package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"aduan/configs"
	"aduan/internal/desk"
	"aduan/internal/keyring"
	"aduan/internal/visible"
	"aduan/store"
)

func newKeys() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "API keys of staff and case systems, and the store's key file",
		Long: `Makes, lists and ends the API keys by which staff and case systems use the API.
They stand in the line's store, so this works while the daemon runs.

    aduan keys add -c aduan.yaml --name "case system" --scope tickets:read,tickets:write

aduan keys store FILE makes the key that seals the store: another thing.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeysAdd(), newKeysList(), newKeysRotate(), newKeysRevoke(), newKeysLink(), newKeysStore())
	return cmd
}

// withStore opens the store that the configuration names, for a tool.
func withStore(ctx context.Context, file string, use func(ctx context.Context, s *store.Store) error) error {
	return withStoreFor(ctx, file, 30*time.Second, use)
}

// withStoreFor is withStore for work that takes longer.
func withStoreFor(ctx context.Context, file string, within time.Duration, use func(ctx context.Context, s *store.Store) error) error {
	cfg, err := loadConfig(file)
	if err != nil {
		return err
	}
	s, err := openStore(ctx, cfg, zap.NewNop(), nil, openTool)
	if err != nil {
		return err
	}
	if ok, reason := s.Health(); !ok {
		return errors.Join(withCode(exitUnreachable, fmt.Errorf("store: %s", reason)), s.Close())
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return errors.Join(use(ctx, s), s.Close())
}

func newKeysAdd() *cobra.Command {
	var name, agency, expires string
	var scopes []string
	cmd := &cobra.Command{
		Use:   "add --name NAME --scope SCOPE[,SCOPE] [--agency A] [--expires 90d]",
		Short: "Make an API key; it is printed once and kept hashed",
		Long: `Makes an API key and prints it, alone, on standard output. It is not shown again:
the store keeps its hash.

Scopes: tickets:read, tickets:write, pii:read (whole telephone numbers), operate
(metrics, dead letters, line events), admin (keys, agencies, the audit trail).`,
		Args: usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	cmd.Flags().StringVar(&name, "name", "", "who uses it: stands in a ticket's history")
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "what it may do, by comma")
	cmd.Flags().StringVar(&agency, "agency", "", "the one agency whose tickets it sees (default: all)")
	cmd.Flags().StringVar(&expires, "expires", "", "for how long it is valid, such as 90d (default: for ever)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if name == "" || len(scopes) == 0 {
			return withCode(exitUsage, errors.New("keys add: --name and --scope are needed"))
		}
		for _, s := range scopes {
			if !slices.Contains(store.Scopes, s) {
				return withCode(exitUsage, fmt.Errorf("--scope: there is no %q; there are %s", s, strings.Join(store.Scopes, ", ")))
			}
		}
		k := store.APIKey{Name: name, Scopes: scopes, Agency: agency, Created: time.Now().UTC()}
		if expires != "" {
			d, err := configs.ParseDuration(expires)
			if err != nil {
				return withCode(exitUsage, fmt.Errorf("--expires: %w", err))
			}
			k.Expires = k.Created.Add(d)
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			secret, err := s.AddKey(ctx, k)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
			return err
		})
	}
	return cmd
}

func newKeysList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the API keys, without their secrets", Args: usageArgs(cobra.NoArgs)}
	file := configFlag(cmd)
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			keys, err := s.ListKeys(ctx)
			if err != nil {
				return err
			}
			views, now := []desk.KeyView{}, time.Now()
			for _, k := range keys {
				views = append(views, keyring.View(k, now))
			}
			if *output == "json" {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(struct {
					Items []desk.KeyView `json:"items"`
				}{views})
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tBEGINS\tNAME\tSCOPES\tAGENCY\tEXPIRES\tLAST USED\tSTATE")
			for _, k := range views {
				state := k.State
				if k.OldUntil != nil {
					state += ", old secret until " + when(k.OldUntil)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Prefix, visible.Text(k.Name), strings.Join(k.Scopes, ","),
					dash(visible.Text(k.Agency)), when(k.Expires), when(k.LastUsed), state)
			}
			return w.Flush()
		})
	}
	return cmd
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func when(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

func newKeysRotate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rotate ID",
		Short: "Give a key a new secret; the old one is valid for 24 hours more",
		Long: `Gives a key a new secret and prints it, alone, on standard output. Name, scopes
and agency stay. The old secret is valid for another 24 hours, so that both sides
need not change at once; aduan keys revoke ID --old ends it before.
aduan keys list shows the ids.`,
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	file := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			secret, err := s.RotateKey(ctx, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
			return err
		})
	}
	return cmd
}

func newKeysRevoke() *cobra.Command {
	var old bool
	cmd := &cobra.Command{
		Use:   "revoke ID [--old]",
		Short: "End a key for good, or only its old secret",
		Long: `Ends a key: from now on it is answered 401, by every daemon. It stays in the list,
as revoked. With --old only the secret before the last rotation ends, as soon as
the other side uses the new one. aduan keys list shows the ids.`,
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	file := configFlag(cmd)
	cmd.Flags().BoolVar(&old, "old", false, "end only the secret before the last rotation")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			by := store.KeyChange{By: store.AuditCLI}
			if old {
				return s.EndOldSecret(ctx, args[0], by)
			}
			return s.Revoke(ctx, args[0], by)
		})
	}
	return cmd
}

func newKeysStore() *cobra.Command {
	return &cobra.Command{
		Use:   "store FILE",
		Short: "Make a store.key_file: 32 random bytes, mode 0600",
		Long: `Makes the file that store.key_file names: 32 random bytes that only the owner may
read. All numbers and texts in the store are sealed with it: keep a copy where
the store's backups are not. A file that exists is never overwritten.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error { return store.NewKeyFile(args[0]) },
	}
}
