package rig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"aduan/internal/testenv"
	"aduan/store"
)

// What every configuration of the rig says; the audit looks for the secrets in logs and metrics.
const (
	ShortCode = "1708"
	SystemID  = "aduan"
	Password  = "s3kr1t-w"
)

// Config is a daemon's configuration file. Times are short, so that nothing waits for real minutes.
type Config struct {
	Path    string // of the yaml file; the daemon reads it at its start
	HTTP    string // host:port of the staff API
	KeyFile string
	DataDir string
	Tree    map[string]any
}

// NewConfig describes a daemon with one link, main, to the SMSC at smscAddr and its store at redisAddr (host:port).
// Nothing is written before [Config.Write], which [Start] calls.
func NewConfig(t testing.TB, smscAddr, redisAddr string) *Config {
	t.Helper()
	dir := t.TempDir()
	c := &Config{
		Path: filepath.Join(dir, "aduan.yaml"), HTTP: testenv.FreeAddr(t),
		KeyFile: filepath.Join(dir, "store.key"), DataDir: filepath.Join(dir, "data"), Tree: map[string]any{},
	}
	if err := store.NewKeyFile(c.KeyFile); err != nil {
		t.Fatal(err)
	}
	c.Set("line.short_code", ShortCode)
	c.Set("line.quiet_hours", "")
	c.Set("conversation.flood.count", 1000)
	c.Set("store.mode", "external")
	c.Set("store.addresses", []string{redisAddr})
	c.Set("store.key_file", c.KeyFile)
	c.Set("store.data_dir", c.DataDir)
	c.Set("smpp.segments_timeout", "20s")
	c.Link("main", smscAddr)
	c.Set("http.listen", c.HTTP)
	c.Set("shutdown_timeout", "6s")
	return c
}

// Link adds a link, or gives one another address.
func (c *Config) Link(name, addr string) {
	for key, value := range map[string]any{
		"address": addr, "system_id": SystemID, "password": Password, "window": 10,
		"enquire_link": "2s", "response_timeout": "2s", "ack_within": "1s",
		"reconnect": map[string]any{"min": "50ms", "max": "500ms"},
	} {
		c.Set("smpp.links."+name+"."+key, value)
	}
}

// Set sets a key, by its path with dots.
func (c *Config) Set(path string, value any) {
	tree, keys := c.Tree, strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		next, ok := tree[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			tree[key] = next
		}
		tree = next
	}
	tree[keys[len(keys)-1]] = value
}

// Another is a configuration of a second daemon on the same store: same key, same data folder, its own listener.
func (c *Config) Another(t testing.TB) *Config {
	t.Helper()
	out, err := yaml.Marshal(c.Tree)
	if err != nil {
		t.Fatal(err)
	}
	d := &Config{
		Path: filepath.Join(t.TempDir(), "aduan.yaml"), HTTP: testenv.FreeAddr(t),
		KeyFile: c.KeyFile, DataDir: c.DataDir, Tree: map[string]any{},
	}
	if err := yaml.Unmarshal(out, &d.Tree); err != nil {
		t.Fatal(err)
	}
	d.Set("http.listen", d.HTTP)
	return d
}

// Write writes the file.
func (c *Config) Write(t testing.TB) {
	t.Helper()
	out, err := yaml.Marshal(c.Tree)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Path, out, 0o600); err != nil {
		t.Fatal(err)
	}
}
