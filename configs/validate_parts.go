package configs

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func (k *checker) store(s Store) {
	k.oneOf("store.mode", s.Mode, ModeAuto, ModeExternal, ModeManaged, ModeEmbedded)
	for _, a := range s.Addresses {
		if path, unix := strings.CutPrefix(a, "unix:"); unix {
			if !filepath.IsAbs(path) {
				k.bad("store.addresses", fmt.Sprintf("%q has no absolute path", a), "write it as unix:/run/redis/redis.sock")
			}
			continue
		}
		k.hostPort("store.addresses", a, "127.0.0.1:6379")
	}
	if len(s.Addresses) == 0 {
		const fix = "write store.addresses, such as [\"127.0.0.1:6379\"]"
		switch {
		case s.Mode == ModeExternal:
			k.bad("store.addresses", "mode external has no address", fix)
		case s.SentinelMaster != "":
			k.bad("store.sentinel_master", "no address of a sentinel is given", fix)
		case s.Cluster:
			k.bad("store.cluster", "no address of a node is given", fix)
		}
	}
	if s.SentinelMaster != "" && s.Cluster {
		k.bad("store.cluster", "a cluster has no sentinels", "leave out cluster or sentinel_master")
	}
	if s.Username != "" && s.Password.IsZero() && s.PasswordFile == "" {
		k.bad("store.username", "it has no password", "give store.password or store.password_file")
	}
	k.clientTLS("store.tls", s.TLS)
	if s.DataDir == "" {
		k.bad("store.data_dir", "no folder is named", "write one, such as ./data: it holds the numbers already given")
	}
	if s.External() && s.KeyFile == "" {
		k.bad("store.key_file", "an external Redis needs the key that seals what it holds", "make one by: aduan keys store FILE; then name FILE here")
	}
	k.oneOf("store.kept.fsync", s.Kept.Fsync, "always", "everysec", "none")
	k.atLeast("store.kept.replicas", s.Kept.Replicas, 0)
	k.positive("store.kept.wait", s.Kept.Wait)
}

func (k *checker) http(h HTTP) {
	k.listen("http.listen", h.Listen)
	for _, host := range h.Hosts {
		if host == "" || strings.ContainsAny(host, "/ :@") && net.ParseIP(strings.Trim(host, "[]")) == nil {
			k.bad("http.hosts", fmt.Sprintf("%q is no host name", host), "write the name alone, without scheme, port or path")
		}
	}
	_, err := h.TLS.Config()
	k.file("http.tls", err)
	k.ranges("http.trusted_proxies", h.TrustedProxies)
}

// webhook checks an endpoint, whose settings stand below at.
func (k *checker) webhook(at string, w Webhook) {
	k.ranges(at+".allow", w.Allow)
	if !w.Secret.IsZero() {
		k.whsec(at+".secret", w.Secret)
	}
	if w.URL == "" {
		return
	}
	key := at + ".url"
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		k.bad(key, "it is no http address", "write it as https://host/path")
	case u.User != nil:
		k.bad(key, "it holds a user or password", "leave it out: the webhook is signed with "+at+".secret")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		k.bad(key, "http to another machine shows complaints to everybody on the way", "write https")
	}
	if w.Secret.IsZero() && w.SecretFile == "" {
		k.bad(at+".secret", "the webhook has no secret to sign with", "write whsec_ and the base64 of 24 to 64 random bytes")
	}
}

// whsec checks the secrets of Standard Webhooks: "whsec_" and base64, two by a space while rotating.
func (k *checker) whsec(key string, s Secret) {
	const fix = "write whsec_ and the base64 of 24 to 64 random bytes; two by a space while rotating"
	all := strings.Fields(s.Reveal())
	if len(all) < 1 || len(all) > 2 {
		k.bad(key, fmt.Sprintf("%d secrets are given", len(all)), fix)
		return
	}
	for i, one := range all {
		nth := []string{"the secret", "the second secret"}[i]
		encoded, prefixed := strings.CutPrefix(one, "whsec_")
		raw, err := base64.StdEncoding.DecodeString(encoded)
		switch {
		case !prefixed:
			k.bad(key, nth+" does not begin with whsec_", fix)
		case err != nil:
			k.bad(key, nth+" is no base64 after whsec_", fix)
		case len(raw) < 24 || len(raw) > 64:
			k.bad(key, fmt.Sprintf("%s has %d bytes", nth, len(raw)), fix)
		}
	}
}

// agencyHooks checks the endpoints of single agencies.
func (k *checker) agencyHooks(hooks map[string]AgencyWebhook) {
	of := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(hooks)) {
		h, at := hooks[name], "case_system.agencies."+name
		switch other, twice := of[h.Agency]; {
		case h.Agency == "":
			k.bad(at+".agency", "whose tickets it gets is not said", "write the agency's name as tickets and keys have it")
		case twice:
			k.bad(at+".agency", fmt.Sprintf("the tickets of %q go to %s already", h.Agency, other), "leave out one of them")
		}
		of[h.Agency] = at
		if h.URL == "" {
			k.bad(at+".url", "it has no address", "write it as https://host/path")
		}
		k.webhook(at, Webhook{URL: h.URL, Secret: h.Secret, SecretFile: h.SecretFile, Allow: h.Allow})
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// hostPort checks an address to dial.
func (k *checker) hostPort(key, address, example string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || strings.ContainsAny(host, " /@") {
		k.bad(key, fmt.Sprintf("%q is no host and port", address), "write it as "+example)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		k.bad(key, fmt.Sprintf("%q has no port from 1 to 65535", address), "write it as "+example)
	}
}

// listen checks an address to listen on: the host must be this machine's own, so an IP, localhost or none.
func (k *checker) listen(key, address string) {
	const fix = "write it as 127.0.0.1:8080, or :8080 for every interface"
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		k.bad(key, fmt.Sprintf("%q is no address and port", address), fix)
		return
	}
	if strings.ContainsAny(host, " /@") {
		k.bad(key, fmt.Sprintf("%q has no address of this machine", address), fix)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		k.bad(key, fmt.Sprintf("%q has no port from 0 to 65535", address), fix)
	}
}

func (k *checker) ranges(key string, list []string) {
	for _, r := range list {
		if _, err := netip.ParsePrefix(r); err == nil {
			continue
		}
		if _, err := netip.ParseAddr(r); err != nil {
			k.bad(key, fmt.Sprintf("%q is no address or range", r), "write it as 10.1.2.3 or 10.0.0.0/8")
		}
	}
}

func (k *checker) folder(key, name string) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		k.bad(key, name+" cannot be read: "+reason(err), "name a folder that the daemon's user may read")
	case !info.IsDir():
		k.bad(key, name+" is no folder", "name the folder that holds the files")
	}
}

func (k *checker) clientTLS(key string, t ClientTLS) {
	_, err := t.Config("")
	k.file(key, err)
}

// file tells what is wrong with a file of a tls part.
func (k *checker) file(key string, err error) {
	if err == nil {
		return
	}
	if f := (*fileError)(nil); errors.As(err, &f) {
		k.bad(key+"."+f.key, f.err.Error(), "name files in PEM that the daemon's user may read")
		return
	}
	k.bad(key, err.Error(), "")
}
