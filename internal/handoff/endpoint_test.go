package handoff_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"aduan/internal/handoff"
)

func TestEndpointsThatAreRefused(t *testing.T) {
	for _, row := range []struct{ name, url, secret, want string }{
		{"no scheme", "case.example/hook", secretA, "absolute URL"},
		{"another scheme", "ftp://case.example/hook", secretA, "https"},
		{"a password in the URL", "https://u:p@case.example/", secretA, "without user"},
		{"plain to the world", "http://case.example/hook", secretA, "plain http"},
		{"plain to a private address", "http://10.0.0.1/hook", secretA, "plain http"},
		{"no secret", "https://case.example/hook", "", "secret"},
		{"a secret that is not base64", "https://case.example/hook", "whsec_???", "base64"},
		{"an empty secret", "https://case.example/hook", "whsec_", "base64"},
		{"three secrets", "https://case.example/hook", secretA + " " + secretA + " " + secretB, "two"},
	} {
		err := handoff.Endpoint{URL: row.url, Secret: row.secret}.Check()
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		} else if strings.Contains(err.Error(), "u:p") || strings.Contains(err.Error(), secretA) {
			t.Errorf("%s: the error tells a secret: %v", row.name, err)
		}
	}
	for _, url := range []string{"https://case.example/hook", "http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost/x"} {
		if err := (handoff.Endpoint{URL: url, Secret: secretA + " " + secretB}).Check(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestAddressesThatMayBeDialled(t *testing.T) {
	allow := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	for _, row := range []struct {
		addr  string
		plain bool
		ok    bool
	}{
		{"127.0.0.1", true, true},
		{"::1", true, true},
		{"127.0.0.1", false, true},
		{"::ffff:127.0.0.1", false, true},
		{"8.8.8.8", false, true},
		{"2606:4700::1111", false, true},
		{"8.8.8.8", true, false},
		{"10.1.2.3", false, true},
		{"::ffff:10.1.2.3", false, true},
		{"10.1.2.3", true, false},
		{"10.0.0.1", false, false},
		{"::ffff:10.0.0.1", false, false},
		{"169.254.169.254", false, false},
		{"fe80::1%eth0", false, false},
		{"fd00:ec2::254", false, false},
		{"192.168.1.1", false, false},
		{"172.16.0.1", false, false},
		{"100.100.100.200", false, false},
		{"0.0.0.0", false, false},
		{"::", false, false},
		{"255.255.255.255", false, false},
		{"224.0.0.1", false, false},
		{"64:ff9b::a9fe:a9fe", false, false},
		{"2002:a9fe:a9fe::1", false, false},
	} {
		err := handoff.CheckAddr(netip.MustParseAddr(row.addr), allow, row.plain)
		if (err == nil) != row.ok {
			t.Errorf("%s (plain %v): %v", row.addr, row.plain, err)
		}
	}
}

func TestAnAddressIsCheckedWhenItIsDialled(t *testing.T) {
	for _, url := range []string{"https://169.254.169.254/", "https://[::ffff:10.0.0.1]/", "https://0.0.0.0/"} {
		l := start(t, url, nil)
		l.commit(1, "e1")
		eventually(t, url+" is refused", func() bool { return l.count("address") == 1 })
		eventually(t, "and tried again later", func() bool { return l.dueIn(1) == 5*time.Second })
	}
}
