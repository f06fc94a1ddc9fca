package main

import (
	"reflect"

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
	for _, part := range needRestart(l.cfg, next) {
		l.log.Warn("a changed setting takes effect at the next start", zap.String("setting", part))
	}
	l.log.Info("the configuration was read again")
}

// needRestart names the changed settings that only a restart applies.
func needRestart(now, next *configs.Config) []string {
	var parts []string
	for _, p := range []struct {
		name      string
		now, next any
	}{
		{"line", now.Line, next.Line},
		{"conversation", now.Conversation, next.Conversation},
		{"store", now.Store, next.Store},
		{"smpp", now.SMPP, next.SMPP},
		{"http", now.HTTP, next.HTTP},
		{"retention", now.Retention, next.Retention},
		{"shutdown_timeout", now.ShutdownTimeout, next.ShutdownTimeout},
	} {
		if !reflect.DeepEqual(p.now, p.next) {
			parts = append(parts, p.name)
		}
	}
	if (now.CaseSystem.Webhook.URL == "") != (next.CaseSystem.Webhook.URL == "") {
		parts = append(parts, "case_system.webhook")
	}
	return parts
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
