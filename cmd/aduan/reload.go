package main

import (
	"reflect"

	"go.uber.org/zap"

	"aduan/configs"
	"aduan/internal/handoff"
	"aduan/internal/sender"
	"aduan/internal/telemetry"
)

// reload reads the configuration again. An invalid one changes nothing. What
// can change while running does; for the rest the log says that a restart is
// needed.
func (l *line) reload(file string, level zap.AtomicLevel) {
	next, err := loadConfig(file)
	if err != nil {
		l.log.Error("the configuration is invalid: nothing changed", zap.Error(err))
		return
	}
	speaking := *next // the address and the time zone are those of the start
	speaking.Line.ShortCode, speaking.Line.Timezone = l.cfg.Line.ShortCode, l.cfg.Line.Timezone
	engine, err := newEngine(&speaking)
	if err != nil {
		l.log.Error("the catalogues are invalid: nothing changed", zap.Error(err))
		return
	}
	now := l.conf()
	links, err := l.prepare(now, next)
	if err != nil {
		l.log.Error("the links are invalid: nothing changed", zap.Error(err))
		return
	}
	if l.handoff != nil && next.CaseSystem.Webhook.URL != "" {
		if err := l.configureWebhook(next); err != nil {
			l.log.Error("case_system.webhook: nothing changed", zap.Error(err))
			return
		}
	}
	if err := telemetry.SetLevel(level, next.Log.Level); err != nil {
		l.log.Error("log.level: nothing changed", zap.Error(err))
		return
	}
	l.turner.Use(engine)
	l.tally.Use(tallyLimits(next))
	for _, link := range l.pool.Links() {
		link.RenewCertificates()
	}
	l.current.Store(next)
	l.sender.SetRoutes(routes(next))
	l.sender.SetLimits(limits(next))
	l.links.change(links)
	for _, part := range atNextStart(l.cfg, next) {
		l.log.Warn("a changed setting takes effect at the next start", zap.String("setting", part))
	}
	l.log.Info("the configuration was read again")
}

// atNextStart names what differs in next and is not taken up by a running
// daemon: all but log.level, the links and their limits, the conversation with
// its files, and the webhook's address and secrets.
func atNextStart(now, next *configs.Config) []string {
	parts := now.NeedsRestart(next)
	// The engine takes these up; the rest of line is told to others at the start.
	nowLine, nextLine := now.Line, next.Line
	nowLine.Files, nextLine.Files = "", ""
	nowLine.Language, nextLine.Language = "", ""
	nowHTTP, nextHTTP := now.HTTP, next.HTTP
	nowHTTP.Listen, nextHTTP.Listen = "", "" // NeedsRestart names it
	nowSMPP, nextSMPP := now.SMPP, next.SMPP
	for _, c := range []*configs.SMPP{&nowSMPP, &nextSMPP} { // these are taken up
		c.Links, c.DefaultLink, c.SMSExpire, c.ReceiptsGrace = nil, "", 0, 0
	}
	hadWebhook, hasWebhook := now.CaseSystem.Webhook.URL != "", next.CaseSystem.Webhook.URL != ""
	for _, p := range []struct {
		name      string
		now, next any
	}{
		{"line", nowLine, nextLine},
		{"smpp", nowSMPP, nextSMPP},
		{"http", nowHTTP, nextHTTP},
		{"case_system.webhook.url", hadWebhook, hasWebhook},
		{"retention", now.Retention, next.Retention},
		{"shutdown_timeout", now.ShutdownTimeout, next.ShutdownTimeout},
		{"log.format", now.Log.Format, next.Log.Format},
	} {
		if !reflect.DeepEqual(p.now, p.next) {
			parts = append(parts, p.name)
		}
	}
	return parts
}

// limits are those of the sender that may change while it runs.
func limits(cfg *configs.Config) sender.Limits {
	return sender.Limits{Expire: cfg.SMPP.SMSExpire, ReceiptsGrace: cfg.SMPP.ReceiptsGrace}
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
