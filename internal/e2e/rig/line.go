package rig

import (
	"testing"

	"aduan/smpp/smsc"
	"aduan/store/storetest"
)

// Line is one daemon with all that it talks to.
//
//	SMSC ══ Net ══ Daemon ══ StoreNet ══ Redis
type Line struct {
	SMSC     *SMSC
	Net      *storetest.Proxy // between daemon (its client) and SMSC (its server)
	Redis    *storetest.Redis
	StoreNet *storetest.Proxy // between daemon (its client) and Redis (its server)
	Daemon   *Daemon
	Config   *Config
	Case     *CaseSystem // nil: none
}

// Options of a [Line]; the zero value is useful.
type Options struct {
	SMSC  smsc.Options
	Redis storetest.Options
	Tags  []string      // build tags of the daemon
	Conf  func(*Config) // changes the configuration before the first start
	Case  bool          // events go to a case system
	Cold  bool          // the daemon is not started yet
}

// NewLine starts a redis-server (appendfsync always), a simulator, the networks, and a daemon, and waits until it is
// ready.
func NewLine(t testing.TB, o Options) *Line {
	t.Helper()
	l := &Line{Redis: storetest.Start(t, o.Redis)}
	l.SMSC = StartSMSC(t, o.SMSC)
	l.Net = storetest.NewProxy(t, l.SMSC.Addr())
	l.StoreNet = storetest.NewProxy(t, l.Redis.Addr())
	l.Config = NewConfig(t, l.Net.Addr(), l.StoreNet.Addr())
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
