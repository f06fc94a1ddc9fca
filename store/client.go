package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	dialTimeout = time.Second
	readTimeout = 1500 * time.Millisecond // and at least Options.Wait + 500 ms: WAIT holds up its connection
	poolSize    = 32
)

// newClient makes the client for o; nothing is dialled yet. onConnect sees each new connection before it is used.
// way is not nil behind sentinels: it knows the connections.
func newClient(o Options, onConnect func(context.Context, *redis.Conn) error) (rdb redis.UniversalClient, way *roads) {
	addresses := make([]string, len(o.Addresses))
	for i, a := range o.Addresses {
		addresses[i] = strings.TrimPrefix(a, "unix:")
	}
	u := &redis.UniversalOptions{
		Addrs: addresses, MasterName: o.SentinelMaster, IsClusterMode: o.Cluster,
		Username: o.Username, Password: o.Password, SentinelUsername: o.Username, SentinelPassword: o.Password,
		TLSConfig: o.TLS, OnConnect: onConnect,
		Protocol: 2, DisableIdentity: true, // nothing sent that an ACL would have to allow besides our own commands
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               -1, // by default a script that timed out runs again, up to four times
		DialerRetries:            1,
		ContextTimeoutEnabled:    true,
		DialTimeout:              dialTimeout,
		ReadTimeout:              max(readTimeout, o.Wait+500*time.Millisecond),
		WriteTimeout:             readTimeout,
		PoolSize:                 poolSize,
		PoolTimeout:              time.Second,
		ConnMaxIdleTime:          5 * time.Minute,
	}
	if len(o.Addresses) == 1 && strings.HasPrefix(o.Addresses[0], "unix:") {
		path := addresses[0]
		u.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", path)
		}
	}
	if o.SentinelMaster != "" {
		way = &roads{tls: o.TLS, conns: map[net.Conn]string{}}
		u.Dialer = way.dial
	}
	return redis.NewUniversalClient(u), way
}

// onMasters calls f for the server, or for each master of a cluster.
func onMasters(ctx context.Context, rdb redis.UniversalClient, f func(context.Context, *redis.Client) error) error {
	switch rdb := rdb.(type) {
	case *redis.Client:
		return f(ctx, rdb)
	case *redis.ClusterClient:
		return rdb.ForEachMaster(ctx, f)
	}
	return fmt.Errorf("store: no server behind a %T", rdb)
}

// inWords says what a failure means and what to do, in a sentence without secrets.
func inWords(o Options, err error) string {
	where := "the store " + describe(o)
	text := err.Error()
	switch {
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return where + " does not answer; is it stopped, overloaded, or behind a firewall?"
	case hasCode(err, "WRONGPASS"), strings.Contains(text, "invalid username-password pair"),
		strings.Contains(text, "invalid password"):
		return where + " refuses the password; correct store.username and store.password"
	case hasCode(err, "NOAUTH"), strings.Contains(text, "NOAUTH"):
		return where + " asks for a password; set store.password"
	case strings.Contains(text, "without any password configured"):
		return where + " has no password set, but store.password is given; leave it out, or set it on the server"
	case hasCode(err, "NOPERM"), strings.Contains(text, "NOPERM"), strings.Contains(text, "no permission"),
		strings.Contains(text, "can't run this command"), strings.Contains(text, "No permissions to access a key"):
		return where + " does not let the login " + name(o.Username) + " do what the line needs: " + text + "; allow it with ACL SETUSER"
	case hasCode(err, "LOADING"):
		return where + " is still loading its data; wait"
	case hasCode(err, "MASTERDOWN"), hasCode(err, "READONLY"):
		return where + " is a replica; name its master"
	case hasCode(err, "CLUSTERDOWN"):
		return where + " is a cluster that is down: " + text
	case strings.Contains(text, "connection refused"), strings.Contains(text, "no such file"):
		return where + " is not running there (" + lastWords(text) + ")"
	case strings.Contains(text, "cluster support disabled"):
		return where + " is no cluster; set store.cluster: false"
	}
	return where + ": " + text
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// hasCode says whether err is, or wraps, Redis's error of that code.
func hasCode(err error, code string) bool {
	var answered redis.Error
	return errors.As(err, &answered) && strings.HasPrefix(answered.Error(), code)
}

func name(user string) string {
	if user == "" {
		return "default"
	}
	return user
}

// lastWords is what stands behind the last colon: the system's own word.
func lastWords(text string) string {
	return strings.TrimSpace(text[strings.LastIndexByte(text, ':')+1:])
}

// describe names the store without secrets.
func describe(o Options) string {
	switch {
	case o.Mode == ModeEmbedded:
		return "in memory"
	case o.Mode == ModeManaged:
		return "in " + o.DataDir
	case o.SentinelMaster != "":
		return fmt.Sprintf("%s behind the sentinels %s", o.SentinelMaster, strings.Join(o.Addresses, ", "))
	}
	return "at " + strings.Join(o.Addresses, ", ")
}
