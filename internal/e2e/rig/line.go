package rig

import (
	"testing"

	"aduan/internal/testenv"
	"aduan/smpp/smsc"
	"aduan/store/storetest"
)

// Line is one daemon with all that it talks to.
//
//	SMSC ══ Net ══ Daemon ══ StoreNet ══ Redis
//	                  ╚═══ or: Sentinels, a Cluster, a redis-server of the daemon's own
type Line struct {
	SMSC     *SMSC
	Net      *storetest.Proxy // between daemon (its client) and SMSC (its server)
	Redis    *storetest.Redis // nil: another store
	StoreNet *storetest.Proxy // between daemon (its client) and Redis (its server); nil: another store

	Sentinels *storetest.Sentinels // nil: none
	Cluster   *storetest.Cluster   // nil: none
	Keeper    Keeper               // where the data lies, whatever the store is

	Daemon *Daemon
	Config *Config
	Case   *CaseSystem // nil: none
}

// Options of a [Line]; the zero value is useful.
type Options struct {
	SMSC  smsc.Options
	Redis storetest.Options
	Store Kind          // a single redis-server by default
	Tags  []string      // build tags of the daemon
	Conf  func(*Config) // changes the configuration before the first start
	Case  bool          // events go to a case system
	Cold  bool          // the daemon is not started yet
}

// Kind is what keeps a line's data.
type Kind int

// The kinds of store.
const (
	Single    Kind = iota // a redis-server behind StoreNet
	Managed               // a child of the daemon's
	Sentinels             // 1 master, 2 replicas, 3 sentinels; both replicas are waited for
	Cluster               // 3 masters with a replica each, which is waited for
)

// store starts what keeps the line's data, and configures the daemon for it.
func (l *Line) store(t testing.TB, o Options) {
	t.Helper()
	settings := map[string]any{}
	switch o.Store {
	case Single:
		l.Redis = storetest.Start(t, o.Redis)
		l.StoreNet = storetest.NewProxy(t, l.Redis.Addr())
		l.Keeper = one{l.Redis}
		settings["addresses"] = []string{l.StoreNet.Addr()}
	case Managed:
		testenv.RedisServer(t)
		settings["mode"], settings["addresses"] = "managed", []string{}
	case Sentinels:
		l.Sentinels = storetest.StartSentinels(t, storetest.SentinelOptions{})
		l.Keeper, settings = watched{l.Sentinels}, l.Sentinels.Settings()
	case Cluster:
		l.Cluster = storetest.StartCluster(t)
		l.Keeper, settings = spread{l.Cluster}, l.Cluster.Settings()
	}
	l.Config = NewConfig(t, l.Net.Addr(), "")
	for key, value := range settings {
		l.Config.Set("store."+key, value)
	}
	if o.Store == Managed {
		l.Keeper = &childOf{t: t, config: l.Config}
	}
}

// NewLine starts a redis-server (appendfsync always), a simulator, the networks, and a daemon, and waits until it is
// ready.
func NewLine(t testing.TB, o Options) *Line {
	t.Helper()
	l := &Line{SMSC: StartSMSC(t, o.SMSC)}
	l.Net = storetest.NewProxy(t, l.SMSC.Addr())
	l.store(t, o)
	if o.Case {
		l.Case = StartCaseSystem(t)
		l.Config.Webhook(l.Case)
	}
	if o.Conf != nil {
		o.Conf(l.Config)
	}
	l.Daemon = NewDaemon(t, l.Config, o.Tags...)
	if !o.Cold {
		l.Daemon.Start()
		l.Daemon.WaitReady()
	}
	return l
}
