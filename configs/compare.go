package configs

import (
	"fmt"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"
)

// NeedsRestart names the settings that differ in next but take effect only after a restart: the store and the
// listener's address. Everything else can be taken up by a running daemon.
func (c *Config) NeedsRestart(next *Config) []string {
	var keys []string
	now := settings(reflect.ValueOf(*c), "")
	for i, then := range settings(reflect.ValueOf(*next), "") {
		if then.path != "http.listen" && !strings.HasPrefix(then.path, "store.") {
			continue
		}
		if !reflect.DeepEqual(now[i].value.Interface(), then.value.Interface()) {
			keys = append(keys, then.path)
		}
	}
	return keys
}

// Warnings are sentences on what works but should be known: here, what passes unencrypted over public networks.
func (c *Config) Warnings() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(c.SMPP.Links)) {
		l := c.SMPP.Links[name]
		if !l.TLS.Enabled && public(l.Address) {
			all = append(all, fmt.Sprintf("smpp.links.%s.address: %s is a public address and the link is not encrypted; "+
				"enable smpp.links.%s.tls, or lead it through a tunnel", name, l.Address, name))
		}
	}
	if c.Store.External() && !c.Store.TLS.Enabled {
		for _, a := range c.Store.Addresses {
			if public(a) {
				all = append(all, fmt.Sprintf("store.addresses: %s is a public address and the connection is not encrypted; "+
					"enable store.tls", a))
			}
		}
	}
	return all
}

// public says whether an address is a literal one that routers of the internet carry.
func public(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsGlobalUnicast() && !ip.IsPrivate()
}

// Keys are the paths of all settings, those of a link under the name given.
func Keys(link string) []string {
	all := settings(reflect.ValueOf(*Defaults()), "")
	all = append(all, settings(reflect.ValueOf(DefaultLink()), "smpp.links."+link)...)
	keys := make([]string, len(all))
	for i, s := range all {
		keys[i] = s.path
	}
	return keys
}
