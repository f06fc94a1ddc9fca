package main

import (
	"fmt"
	"maps"
	"slices"

	"aduan/configs"
)

// notes are sentences on what is valid and should be known all the same: what
// passes unencrypted, and what is asked for and not done by this version.
func notes(cfg *configs.Config) []string {
	all := append(cfg.Warnings(), withoutEffect(cfg)...)
	if cfg.Store.Mode == configs.ModeEmbedded {
		all = append(all, "store.mode: embedded keeps everything in memory; serve refuses it without --allow-trial-store")
	}
	return all
}

// withoutEffect names the settings that this version reads and does not
// follow: an operator who set one must not believe in it.
func withoutEffect(cfg *configs.Config) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(cfg.SMPP.Links)) {
		l := cfg.SMPP.Links[name]
		for _, s := range []struct {
			key string
			set bool
		}{
			{"exclusive", l.Exclusive},
			{"rate", l.Rate > 0},
			{"prefixes", len(l.Prefixes) > 0},
			{"fallback", len(l.Fallback) > 0},
		} {
			if !s.set {
				continue
			}
			all = append(all, fmt.Sprintf("smpp.links.%s.%s: this version does not follow it", name, s.key))
		}
	}
	if cfg.Retention.Tickets != configs.Defaults().Retention.Tickets {
		all = append(all, "retention.tickets: this version keeps closed tickets for ever")
	}
	return all
}
