package main

import (
	"go.uber.org/zap"

	"aduan/configs"
	"aduan/conversation"
	"aduan/internal/intake"
	"aduan/internal/sender"
	"aduan/internal/staffapi"
	"aduan/internal/telemetry"
	"aduan/internal/turn"
)

// reload reads the configuration again and takes it up. An invalid one changes
// nothing.
func (l *line) reload(file string, log *telemetry.Switch) {
	next, err := loadConfig(file)
	if err != nil {
		l.log.Error("the configuration is invalid: nothing changed", zap.Error(err))
		return
	}
	l.adopt(next, log)
}

// adopt takes a valid configuration up, and names what waits for a restart.
func (l *line) adopt(next *configs.Config, log *telemetry.Switch) {
	p, err := l.plan(next)
	if err != nil {
		l.log.Error("the configuration is invalid: nothing changed", zap.Error(err))
		return
	}
	l.take(p, log)
	for _, key := range l.cfg.NeedsRestart(next) {
		l.log.Warn("a changed setting takes effect at the next start", zap.String("setting", key))
	}
	said := []zap.Field{}
	if next.Line.Files != "" {
		said = append(said, zap.String("holidays", "they move the limits that are set from now on; a clock that runs keeps its time"))
	}
	l.log.Info("the configuration was read again", said...)
}

// plan is a configuration made ready: all that can fail has been done, and
// nothing has changed yet.
type plan struct {
	cfg       *configs.Config
	engine    *conversation.Engine
	links     linkChange
	endpoints endpoints
	http      staffapi.Settings
}

func (l *line) plan(next *configs.Config) (plan, error) {
	p := plan{cfg: next}
	var err error
	if p.engine, err = newEngine(next); err != nil {
		return p, err
	}
	if p.endpoints, err = endpointsOf(next); err != nil {
		return p, err
	}
	if p.http, err = httpSettings(next, l.log); err != nil {
		return p, err
	}
	if err := telemetry.Check(next.Log.Level, next.Log.Format); err != nil {
		return p, err
	}
	p.links, err = l.prepare(l.conf(), next)
	return p, err
}

// take gives each part its new settings, as a whole; nothing in it can fail.
// Two parts may differ for a moment: what a message meets is one of the two.
func (l *line) take(p plan, log *telemetry.Switch) {
	next := p.cfg
	l.current.Store(next)
	_ = log.Set(next.Log.Level, next.Log.Format)                       // plan has checked them
	_ = l.handoff.Configure(p.endpoints.general, p.endpoints.agencies) // likewise
	l.store.Keep(keeping(next))                                        // after it: an event that is kept for the case system finds its way
	l.intake.Use(intakeSettings(next))
	l.turner.Use(turn.Settings{Engine: p.engine, ShortCode: next.Line.ShortCode, Region: next.Line.Region, Quiet: quiet(next), Location: next.Line.Location()})
	l.tally.Use(tallyLimits(next))
	l.daily.Use(digestSchedule(next))
	l.brief.use(next.Conversation.Surge.Brief)
	l.web.use(p.http)
	for _, link := range l.pool.Links() {
		link.RenewCertificates()
	}
	l.sender.SetRoutes(routes(next))
	l.sender.SetLimits(limits(next))
	l.links.change(p.links)
}

// intakeSettings are what intake must know of the line.
func intakeSettings(cfg *configs.Config) intake.Settings {
	return intake.Settings{Region: cfg.Line.Region, ShortCode: cfg.Line.ShortCode, SegmentsTimeout: cfg.SMPP.SegmentsTimeout}
}

// limits are those of the sender that may change while it runs.
func limits(cfg *configs.Config) sender.Limits {
	return sender.Limits{Expire: cfg.SMPP.SMSExpire, ReceiptsGrace: cfg.SMPP.ReceiptsGrace, Region: cfg.Line.Region}
}
