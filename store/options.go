package store

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"aduan/store/internal/redisd"
)

// Mode says where the data lives.
type Mode string

// The modes of store.mode.
const (
	ModeAuto     Mode = "auto"     // [Options.Resolve] picks one of the others
	ModeExternal Mode = "external" // a Redis that somebody else runs
	ModeManaged  Mode = "managed"  // a child redis-server of ours, on a unix socket
	ModeEmbedded Mode = "embedded" // in this process's memory: a trial
)

// The values of Options.Fsync: when Redis must have synced a commit to its disk.
const (
	FsyncAlways   = "always"   // before the commit counts as kept
	FsyncEverySec = "everysec" // within about a second after it
	FsyncNone     = "none"     // whenever, or never
)

// Retention says how long is kept what nobody needs any more. Zero: the default of each.
type Retention struct {
	Tickets time.Duration // default 1825 days
	Events  time.Duration // default 30 days
}

// Options says where the data lives, what counts as kept, and what the store borrows from its process.
// The zero value is store.mode auto with data_dir ./data, where each commit must be synced.
type Options struct {
	Mode           Mode     // empty: auto
	Addresses      []string // host:port, or unix:/path; several: sentinels or cluster nodes
	SentinelMaster string   // set: Addresses are sentinels
	Username       string
	Password       string
	Cluster        bool        // Addresses are cluster nodes
	TLS            *tls.Config // nil: plain
	DataDir        string      // line.json in every mode; managed: the append-only file. Empty only for the embedded store: nothing on disk
	KeyFile        string      // 32 raw bytes; empty: <DataDir>.key, made where it is missing (not in external mode)

	Fsync              string        // always (default), everysec, none: a server that promises less is refused
	Replicas           int           // WAIT for so many
	Wait               time.Duration // at most so long; default 1 s
	AcceptFailoverLoss bool          // fewer Replicas than could be promoted is accepted
	AllowTrial         bool          // the embedded store is accepted although it keeps nothing

	Handoffs   bool // a case system is told of events (a webhook); else they can only be pulled
	Retention  Retention
	Redelivery time.Duration // how long a mark that is not settled stands; default 24 h
	SettledFor time.Duration // how long a settled mark stands; default 60 s

	Rested    Rested        // makes the states of citizens small who rest; nil: they stay as they are
	RestAfter time.Duration // how long nothing happened to who rests; default 73 h, longer than receipts are waited for

	Now         func() time.Time      // default time.Now; the embedded store's expiries follow it
	Entropy     io.Reader             // default crypto/rand
	Log         *zap.Logger           // default: none
	Metrics     prometheus.Registerer // default: none
	RedisServer string                // path of redis-server for the managed mode; empty: looked for on PATH
	Alarm       func(what string)     // told what a person must look at (serials raised); called once each, may be nil
}

// Resolve is store.mode auto: addresses given, external; else a redis-server at hand, managed; else embedded.
// Any other mode stays what it is.
func (o Options) Resolve() Options {
	if o.Mode != ModeAuto && o.Mode != "" {
		return o
	}
	switch {
	case len(o.Addresses) > 0:
		o.Mode = ModeExternal
	case o.redisServer() != "" && redisd.Supported:
		o.Mode = ModeManaged
	default:
		o.Mode = ModeEmbedded
	}
	return o
}

// redisServer is the path of the redis-server to run, "" where there is none.
func (o Options) redisServer() string {
	if o.RedisServer != "" {
		return o.RedisServer
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// withDefaults fills in what was left out, and says what cannot be.
func (o Options) withDefaults() (Options, error) {
	o = o.Resolve()
	setDefault(&o.Fsync, FsyncAlways)
	setDefault(&o.Wait, time.Second)
	setDefault(&o.RestAfter, restDefault)
	setDefault(&o.Retention.Tickets, 1825*24*time.Hour)
	setDefault(&o.Retention.Events, 30*24*time.Hour)
	setDefault(&o.Redelivery, 24*time.Hour)
	setDefault(&o.SettledFor, time.Minute)
	if o.Mode != ModeEmbedded {
		setDefault(&o.DataDir, "data")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Entropy == nil {
		o.Entropy = rand.Reader
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return o, o.validate()
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// validate says what is wrong with o, each problem on a line of its own.
func (o Options) validate() error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf("store."+format, args...)) }
	switch o.Mode {
	case ModeExternal:
		if len(o.Addresses) == 0 {
			bad("addresses: none given, and mode is external; name the server, as in [\"127.0.0.1:6379\"]")
		}
		if o.KeyFile == "" {
			bad("key_file: none given, and mode is external; make one with `aduan keys store FILE`")
		}
	case ModeManaged:
		if !redisd.Supported {
			bad("mode: managed works on Linux only (elsewhere a redis-server could outlive us); start one yourself and use mode external")
		} else if o.redisServer() == "" {
			bad("mode: managed, but no redis-server is on PATH; install redis-server, or use mode external")
		}
	case ModeEmbedded:
	default:
		bad("mode: %q is none of auto, external, managed, embedded", o.Mode)
	}
	switch o.Fsync {
	case FsyncAlways, FsyncEverySec, FsyncNone:
	default:
		bad("kept.fsync: %q is none of always, everysec, none", o.Fsync)
	}
	if o.Replicas < 0 {
		bad("kept.replicas: %d is less than 0", o.Replicas)
	}
	if o.Cluster && o.SentinelMaster != "" {
		bad("cluster and sentinel_master are both set; the addresses are either cluster nodes or sentinels")
	}
	if len(o.Addresses) > 1 && !o.Cluster && o.SentinelMaster == "" {
		bad("addresses: several given; set sentinel_master if they are sentinels, or cluster: true if they are cluster nodes")
	}
	for _, a := range o.Addresses {
		if strings.HasPrefix(a, "unix:") && (len(o.Addresses) > 1 || o.Cluster || o.SentinelMaster != "") {
			bad("addresses: %s stands alone: a unix socket leads to one server", a)
		}
	}
	return errors.Join(problems...)
}
