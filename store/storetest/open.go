package storetest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"aduan/store"
)

// KeyFile makes a key file for the test.
func KeyFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := store.NewKeyFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Config is how to open a store on r: external, with a key file and a data folder of the test.
func Config(t testing.TB, r *Redis) store.Options {
	t.Helper()
	return store.Options{
		Mode: store.ModeExternal, Addresses: []string{r.Addr()}, Password: r.o.Password,
		KeyFile: KeyFile(t), DataDir: t.TempDir(),
	}
}

// Open starts a redis-server and opens a store on it, changed by change where given. Its Run runs until the test ends.
func Open(t testing.TB, change ...func(*store.Options)) (*store.Store, *Redis) {
	t.Helper()
	r := Start(t, Options{})
	o := Config(t, r)
	for _, c := range change {
		c(&o)
	}
	return OpenWith(t, o), r
}

// OpenWith opens a store. Its Run runs until the test ends; then it is closed.
func OpenWith(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s, err := store.Open(ctx, o)
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	run, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(run) }() // waited for below
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("store.Run: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("store.Close: %v", err)
		}
	})
	return s
}
