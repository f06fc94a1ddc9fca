package main

import (
	"go.uber.org/zap"

	"aduan/configs"
	"aduan/internal/handoff"
	"aduan/internal/telemetry"
)

// reload reads the configuration again. An invalid one changes nothing. What
// can change while running does; for the rest the log says that a restart is
// needed.
func (l *line) reload(file string, level zap.AtomicLevel) {
	next, err := configs.Load(file)
	if err != nil {
		l.log.Error("the configuration is invalid: nothing changed", zap.Error(err))
		return
	}
	if err := telemetry.SetLevel(level, next.Log.Level); err != nil {
		l.log.Error("log.level: nothing changed", zap.Error(err))
		return
	}
	if l.handoff != nil && next.CaseSystem.Webhook.URL != "" {
		if err := l.configureWebhook(next); err != nil {
			l.log.Error("case_system.webhook: nothing changed", zap.Error(err))
			return
		}
	}
	for _, part := range l.cfg.NeedsRestart(next) {
		l.log.Warn("a changed setting takes effect at the next start", zap.String("setting", part))
	}
	l.log.Info("the configuration was read again")
}

// configureWebhook gives the hand-off its endpoint and secret anew.
func (l *line) configureWebhook(cfg *configs.Config) error {
	w := cfg.CaseSystem.Webhook
	allow, err := prefixes("case_system.webhook.allow", w.Allow)
	if err != nil {
		return err
	}
	return l.handoff.Configure(handoff.Endpoint{URL: w.URL, Secret: w.Secret.Reveal(), Allow: allow})
}
