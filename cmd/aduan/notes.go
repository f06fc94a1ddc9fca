package main

import "aduan/configs"

// notes are sentences on what is valid and should be known all the same: what
// passes unencrypted.
func notes(cfg *configs.Config) []string {
	all := cfg.Warnings()
	if cfg.Store.Mode == configs.ModeEmbedded {
		all = append(all, "store.mode: embedded keeps everything in memory; serve refuses it without --allow-trial-store")
	}
	return all
}
