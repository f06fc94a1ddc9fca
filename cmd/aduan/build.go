package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"aduan/configs"
	"aduan/configs/words"
	"aduan/conversation"
	"aduan/internal/agency"
	"aduan/internal/archive"
	"aduan/internal/certs"
	"aduan/internal/feed"
	"aduan/internal/handoff"
	"aduan/internal/intake"
	"aduan/internal/jobs"
	"aduan/internal/report"
	"aduan/internal/sender"
	"aduan/internal/tally"
	"aduan/internal/telemetry"
	"aduan/internal/timers"
	"aduan/internal/turn"
	"aduan/smpp"
	"aduan/smpp/gsm7"
	"aduan/store"
)

// line is a running line: the parts of a message's way, in its order.
type line struct {
	cfg      *configs.Config                // of the start
	current  atomic.Pointer[configs.Config] // as it was read last
	log      *zap.Logger
	registry *prometheus.Registry

	store       *store.Store
	linkMetrics *smpp.Metrics
	links       *linkSet
	pool        *smpp.Pool
	intake      *intake.Intake
	turner      *turn.Turner
	tally       *tally.Tally
	daily       *report.Daily
	desk        *turn.Desk
	jobs        *jobs.Jobs
	agencies    *agency.Book
	feed        *feed.Feed
	sender      *sender.Sender
	timers      *timers.Timers
	handoff     *handoff.Handoff
	archiver    *archive.Worker
	health      *telemetry.Health
	backlog     atomic.Pointer[store.Stats] // what waited in the store a moment ago
	brief       brief                       // whether so much waits that new tickets are answered briefly

	timing timing
	web    web
}

// timing is the time that a line lives in; dialogues are played in one of their own.
type timing struct {
	now     func() time.Time
	age     func(*smpp.Delivery) time.Duration // of a delivery; nil: by now
	observe func(conversation.Effects)         // is shown what each turn brought; nil: nobody looks
}

// buildLine makes the parts from the configuration; nothing runs yet but the store's own server.
func buildLine(ctx context.Context, cfg *configs.Config, engine *conversation.Engine, log *zap.Logger, use storeUse) (*line, error) {
	return buildLineIn(ctx, cfg, engine, log, use, timing{now: time.Now})
}

func buildLineIn(ctx context.Context, cfg *configs.Config, engine *conversation.Engine, log *zap.Logger, use storeUse, in timing) (*line, error) {
	l := &line{cfg: cfg, log: log, registry: telemetry.NewRegistry(version), timing: in}
	var err error
	if l.store, err = openStoreIn(ctx, cfg, log, l.registry, use, in.now); err != nil {
		return nil, err
	}
	if err := l.build(engine); err != nil {
		return nil, errors.Join(err, l.store.Close())
	}
	return l, nil
}

func (l *line) build(engine *conversation.Engine) error {
	cfg := l.cfg
	l.current.Store(cfg)
	var err error
	if l.web.settings, err = httpSettings(cfg, l.log); err != nil {
		return err
	}
	if l.links, err = newLinkSet(l, cfg.SMPP.Links); err != nil {
		return err
	}
	l.pool = smpp.NewPool(nil)
	if err := l.newHandoff(); err != nil {
		return err
	}
	l.agencies = agency.New(agency.Options{
		Store: l.store, Now: l.timing.now,
		Words:    func() *conversation.Words { return l.turner.Settings().Engine.Words() },
		Template: func(name, text string) (int, error) { return l.turner.Settings().Engine.CheckTemplate(name, text) },
	})
	settler := intake.NewSettler(l.store.Settle, l.log)
	l.sender = sender.New(sender.Options{
		Store: l.store, Routes: routes(cfg), Daemons: l.store.Daemons, Settler: settler,
		Policy: sender.Policy{Expire: cfg.SMPP.SMSExpire}, Offer: l.handoff.Offer,
		Region: cfg.Line.Region, ReceiptsGrace: cfg.SMPP.ReceiptsGrace,
		Now: l.timing.now, Log: l.log, Metrics: sender.NewMetrics(l.registry),
	})
	o := turn.Options{
		Store: l.store, Letters: l.store, Figures: l.store, Location: cfg.Line.Location(), Engine: engine, Outbox: l.sender, Courier: l.handoff, Now: l.timing.now,
		ShortCode: cfg.Line.ShortCode, Quiet: quiet(cfg), DefaultLink: cfg.SMPP.Default(), Route: l.sender.Choose, Count: l.countOn, Metrics: turn.NewMetrics(l.registry),
		Observe: l.observe, Brief: l.brief.is, Superior: l.superior, Templates: l.agencies.Templates, Log: l.log,
		Agencies: l.agencies, Region: cfg.Line.Region,
	}
	l.brief.init(l.registry, l.log, cfg.Conversation.Surge.Brief)
	l.tally = tally.New(tally.Options{
		Store: l.store, Limits: tallyLimits(cfg), Now: l.timing.now, Metrics: l.registry, Log: l.log,
	})
	l.daily = report.NewDaily(report.DailyOptions{Store: l.store, Schedule: digestSchedule(cfg), Now: l.timing.now, Log: l.log})
	l.turner = turn.New(o)
	l.desk = turn.NewDesk(l.turner)
	l.jobs = jobs.New(jobs.Options{Store: l.store, Desk: l.desk, Now: l.timing.now, Log: l.log})
	l.feed = feed.New(feed.Options{
		Store: l.store, Bodies: l.desk, Source: func() string { return source(l.conf()) }, Now: l.timing.now, Log: l.log,
	})
	l.intake = intake.New(intake.Options{
		Store: l.store, Turner: l.turner, Receipts: l.sender, Settler: settler, Links: l.intakeLink,
		Region: cfg.Line.Region, ShortCode: cfg.Line.ShortCode, SegmentsTimeout: cfg.SMPP.SegmentsTimeout,
		Now: l.timing.now, Age: l.timing.age, Log: l.log, Metrics: intake.NewMetrics(l.registry),
	})
	l.timers = timers.New(timers.Options{
		Store: l.store, Room: l.sender.Room, HasRoom: l.sender.HasRoom(), Adopt: l.sender.Adopt, Expire: l.sender.Expire, ExpireAfter: l.sender.ExpireAfter,
		Default: l.sender.Default, Tick: l.turner.Tick, Join: l.intake.JoinDue,
		Offer: l.handoff.Offer, Hands: func() bool { return l.conf().CaseSystem.Hands() },
		Now: l.timing.now, Log: l.log,
	})
	l.archiver = l.newArchiver()
	l.health = l.newHealth()
	return nil
}

// superior is the agency above another, for who hears of what it leaves unanswered; "": none, or nobody can say now.
func (l *line) superior(name string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	above, err := l.agencies.Superior(ctx, name)
	if err != nil {
		l.log.Warn("whom to tell of an escalation is not known", zap.Error(err))
	}
	return above
}

// conf is the configuration as it was read last.
func (l *line) conf() *configs.Config { return l.current.Load() }

// observe shows who looks what a turn has brought.
func (l *line) observe(fx conversation.Effects) {
	l.tally.Observe(fx)
	if l.timing.observe != nil {
		l.timing.observe(fx)
	}
}

// quiet is when a push may be sent; nil: always.
func quiet(cfg *configs.Config) func(time.Time) time.Time {
	q := cfg.Line.QuietHours
	if !q.On {
		return nil
	}
	return turn.QuietHours(q.From, q.To, cfg.Line.Location())
}

// digestSchedule is when the line's digest is told.
func digestSchedule(cfg *configs.Config) report.Schedule {
	at, on := cfg.CaseSystem.DigestAt()
	return report.Schedule{On: on, At: at, Location: cfg.Line.Location()}
}

// tallyLimits are what the line is to be alarmed of.
func tallyLimits(cfg *configs.Config) tally.Limits {
	c := cfg.Conversation
	return tally.Limits{SurgeCount: c.Surge.Count, SurgeTimes: float64(c.Surge.Times), AnswersByHour: c.Answers.LinePerHour}
}

// newEngine loads the words and makes the conversation.
func newEngine(cfg *configs.Config) (*conversation.Engine, error) {
	files := []fs.FS{words.FS}
	if cfg.Line.Files != "" {
		files = append(files, os.DirFS(cfg.Line.Files))
	}
	loaded, err := conversation.LoadWords(gsm7.Len, files...)
	if err != nil {
		return nil, withCode(exitConfig, err)
	}
	wires := wiresOf(cfg)
	engine, err := conversation.New(conversation.Options{
		ShortCode: cfg.Line.ShortCode, Language: cfg.Line.Language, Location: cfg.Line.Location(),
		Continuation: cfg.Conversation.Continuation,
		FloodCount:   cfg.Conversation.Flood.Count, FloodPer: cfg.Conversation.Flood.Per,
		Cap: cfg.Conversation.Answers.PerDay, Limits: conversation.Limits(cfg.Conversation.Limits),
		Words: loaded,
		Segments: func(text string) int {
			_, n, _ := wires.Count(text)
			return n
		},
	})
	return engine, withCode(exitConfig, err)
}

// storeUse says what a store is opened for.
type storeUse int

const (
	openStrict storeUse = iota // a line: less than store.kept asks is refused
	openTrial                  // a trial: the store in memory is accepted
	openTool                   // a tool beside a line that may be running
)

// openStore opens the store that the configuration names.
func openStore(ctx context.Context, cfg *configs.Config, log *zap.Logger, reg prometheus.Registerer, use storeUse) (*store.Store, error) {
	return openStoreIn(ctx, cfg, log, reg, use, time.Now)
}

func openStoreIn(ctx context.Context, cfg *configs.Config, log *zap.Logger, reg prometheus.Registerer, use storeUse, now func() time.Time) (*store.Store, error) {
	o, err := storeOptions(cfg, log, now)
	if err != nil {
		return nil, err
	}
	o.AllowTrial, o.Metrics = use == openTrial, reg
	return store.Open(ctx, o)
}

// storeOptions is the store that the configuration names.
func storeOptions(cfg *configs.Config, log *zap.Logger, now func() time.Time) (store.Options, error) {
	c, k := cfg.Store, keeping(cfg)
	tlsConfig, err := storeTLS(c, log)
	if err != nil {
		return store.Options{}, withCode(exitConfig, fmt.Errorf("store.tls: %w", err))
	}
	if err := checkKeyFile(c.KeyFile); err != nil {
		return store.Options{}, err
	}
	return store.Options{
		Mode: store.Mode(c.Mode), Addresses: c.Addresses, SentinelMaster: c.SentinelMaster, Cluster: c.Cluster,
		Username: c.Username, Password: c.Password.Reveal(), TLS: tlsConfig, DataDir: c.DataDir, KeyFile: c.KeyFile,
		Fsync: c.Kept.Fsync, Replicas: c.Kept.Replicas, Wait: c.Kept.Wait, AcceptFailoverLoss: c.AcceptFailoverLoss,
		Handoffs: k.Handoffs, Retention: k.Retention, Redelivery: k.Redelivery, SettledFor: k.SettledFor,
		Rested: turn.Rest, RestAfter: cfg.SMPP.ReceiptsGrace + time.Hour,
		Now: now, Log: log,
	}, nil
}

// keeping is how long the store keeps what.
func keeping(cfg *configs.Config) store.Keeping {
	return store.Keeping{
		Handoffs:   cfg.CaseSystem.Hands(),
		Retention:  store.Retention{Tickets: cfg.Retention.Tickets, Events: cfg.Retention.Events},
		Redelivery: cfg.SMPP.Redelivery, SettledFor: settledFor(cfg),
	}
}

// storeTLS is the store's TLS configuration; its client certificate is read again at each connection. nil: plain.
func storeTLS(c configs.Store, log *zap.Logger) (*tls.Config, error) {
	read := func() (*tls.Config, error) { return c.TLS.Config("") } // the client takes each node's own name
	config, err := read()
	if err != nil || config == nil || len(config.Certificates) == 0 {
		return config, err
	}
	source, err := certs.New(read, log)
	if err != nil {
		return nil, err
	}
	config.GetClientCertificate = source.ClientCertificate
	return config, nil
}

// checkKeyFile says what is wrong with a key file that was named: a line that
// starts with another key, or none, could not read what it stored. Its mode is
// the store's to refuse.
func checkKeyFile(path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return withCode(exitConfig, fmt.Errorf("store.key_file: %s does not exist; make one with: aduan keys store %s", path, path))
	case err != nil:
		return fmt.Errorf("store.key_file: %w", err)
	case info.Size() != store.MasterKeySize:
		return withCode(exitConfig, fmt.Errorf("store.key_file: %s has %d bytes and not %d; put the line's own key file there, or make one with: aduan keys store FILE",
			path, info.Size(), store.MasterKeySize))
	}
	return nil
}

// settledFor is how long a settled mark stands: 60 s, or until a dead
// connection is surely noticed on every link, where that is more.
func settledFor(cfg *configs.Config) time.Duration {
	d := time.Minute
	for _, l := range cfg.SMPP.Links {
		d = max(d, l.EnquireLink+l.ResponseTimeout+20*time.Second)
	}
	return d
}
