package rig

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"aduan/store"
	"aduan/store/storetest"
)

// Keeper is where a line's data lies, for who looks at it past the daemon and the networks of the test.
type Keeper interface {
	Client() redis.UniversalClient // of the moment: asked for anew after a failover
	Where() store.Options          // how a store on it is opened, without key file and folder
}

// one is a single redis-server.
type one struct{ *storetest.Redis }

func (o one) Client() redis.UniversalClient { return o.Redis.Client() }
func (o one) Where() store.Options          { return store.Options{Addresses: []string{o.Addr()}} }

// watched is a master behind sentinels.
type watched struct{ *storetest.Sentinels }

func (w watched) Where() store.Options {
	return store.Options{Addresses: w.Addrs(), SentinelMaster: storetest.MasterName}
}

// spread is a cluster.
type spread struct{ *storetest.Cluster }

func (s spread) Where() store.Options { return store.Options{Addresses: s.Addrs(), Cluster: true} }

// childOf is the redis-server that a daemon runs itself, while it does.
type childOf struct {
	config *Config
	t      testing.TB

	once   sync.Once
	client *redis.Client
}

func (c *childOf) Where() store.Options {
	key, err := os.ReadFile(c.config.KeyFile)
	if err != nil {
		c.t.Fatal(err)
	}
	secret, err := hkdf.Key(sha256.New, key, nil, "aduan/v1/managed redis", 32) // as the daemon makes it
	if err != nil {
		c.t.Fatal(err)
	}
	return store.Options{Addresses: []string{"unix:" + filepath.Join(c.config.DataDir, "redis.sock")}, Password: hex.EncodeToString(secret)}
}

func (c *childOf) Client() redis.UniversalClient {
	c.once.Do(func() {
		o := c.Where()
		c.client = redis.NewClient(&redis.Options{
			Network: "unix", Addr: o.Addresses[0][len("unix:"):], Password: o.Password, DisableIdentity: true, DialerRetries: 1,
		})
		c.t.Cleanup(func() { _ = c.client.Close() })
	})
	return c.client
}

// masters calls f for the server, or for each master of a cluster, one after another.
func masters(ctx context.Context, c redis.UniversalClient, f func(*redis.Client) error) error {
	cluster, ok := c.(*redis.ClusterClient)
	if !ok {
		return f(c.(*redis.Client))
	}
	var mu sync.Mutex
	return cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		return f(node)
	})
}

// keeper is where the data lies that a judge looks at.
func (j Judge) keeper() Keeper {
	if j.Keeper != nil {
		return j.Keeper
	}
	return one{j.Redis}
}
