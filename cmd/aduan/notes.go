package main

import "aduan/configs"

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
	if cfg.Retention.Tickets != configs.Defaults().Retention.Tickets {
		all = append(all, "retention.tickets: this version keeps closed tickets for ever")
	}
	return all
}
