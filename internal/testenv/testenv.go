package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// need is one thing that a machine may lack.
type need struct {
	find func() (string, error)
	fix  string // what to do where it is missing
}

// root is found once: tests of one binary share a working directory.
var root = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = parent
	}
})

var needs = map[string]need{
	"redis": {
		find: func() (string, error) {
			return program("ADUAN_REDIS_SERVER", []string{"redis-server"}, ".cache/redis/redis-server")
		},
		fix: "install the package redis-server, or run the tests by make test, which unpacks it without root",
	},
	"node": {
		find: node,
		fix:  "install the packages nodejs and npm",
	},
	"node-smpp": {
		find: nodeSMPP,
		fix:  "install the packages nodejs and npm, then run: npm --prefix internal/e2e/node ci",
	},
	"net-smpp": {
		find: netSMPP,
		fix:  "install the packages perl, libnet-smpp-perl and libio-socket-ssl-perl",
	},
	"kannel": {
		find: kannel,
		fix:  "install the package kannel",
	},
	"tshark": {
		find: func() (string, error) { return program("ADUAN_TSHARK", []string{"tshark"}, "") },
		fix:  "install the package tshark",
	},
	"promtool": {
		find: func() (string, error) { return program("ADUAN_PROMTOOL", []string{"promtool"}, "") },
		fix:  "install the package prometheus",
	},
	"axe": {
		find: axe,
		fix:  "install the packages nodejs and npm, then run: npm --prefix internal/e2e/node ci; or set ADUAN_AXE to an axe.min.js",
	},
	"chromium": {
		find: func() (string, error) {
			return program("ADUAN_CHROMIUM", []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}, "")
		},
		fix: "install the package chromium",
	},
	"cc": {
		find: func() (string, error) { return program("ADUAN_CC", []string{"cc", "gcc", "clang"}, "") },
		fix:  "install a C compiler (gcc)",
	},
	"race": {
		find: func() (string, error) {
			if Race {
				return "race", nil
			}
			return "", fmt.Errorf("the race detector is off")
		},
		fix: "install a C compiler (gcc or clang) and run go test -race",
	},
}

// Require lets the test run only where everything named is there: redis, node, node-smpp, net-smpp, kannel, tshark,
// promtool, chromium, axe, cc, race.
// Else it is skipped with what to install, or failed where ADUAN_REQUIRE names it (node stands for node-smpp
// too) or is "all".
func Require(t testing.TB, what ...string) {
	t.Helper()
	for _, name := range what {
		require(t, name)
	}
}

// RedisServer is the path of a redis-server: $ADUAN_REDIS_SERVER, PATH, or .cache/redis of this repository.
func RedisServer(t testing.TB) string { t.Helper(); return require(t, "redis") }

// Node is the path of node.
func Node(t testing.TB) string { t.Helper(); return require(t, "node") }

// NodeSMPP is the folder whose node_modules holds node-smpp: the working directory for scripts that use it.
func NodeSMPP(t testing.TB) string { t.Helper(); return require(t, "node-smpp") }

// NetSMPP is the path of a perl that has Net::SMPP.
func NetSMPP(t testing.TB) string { t.Helper(); return require(t, "net-smpp") }

// Kannel is the path of Kannel's bearerbox; its smsbox lies beside it.
func Kannel(t testing.TB) string { t.Helper(); return require(t, "kannel") }

// Tshark is the path of tshark.
func Tshark(t testing.TB) string { t.Helper(); return require(t, "tshark") }

// Promtool is the path of Prometheus's promtool.
func Promtool(t testing.TB) string { t.Helper(); return require(t, "promtool") }

// Chromium is the path of a chromium or chrome.
func Chromium(t testing.TB) string { t.Helper(); return require(t, "chromium") }

// CC is the path of a C compiler.
func CC(t testing.TB) string { t.Helper(); return require(t, "cc") }

// Axe is the path of axe-core's axe.min.js: $ADUAN_AXE, or what npm brought.
func Axe(t testing.TB) string { t.Helper(); return require(t, "axe") }

// Root is the repository's top folder.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := root()
	if err != nil {
		t.Fatalf("testenv: %v; run tests inside the repository", err)
	}
	return dir
}

func require(t testing.TB, name string) string {
	t.Helper()
	n, known := needs[name]
	if !known {
		t.Fatalf("testenv: nothing is known of %q; see testenv.Require", name)
	}
	found, err := n.find()
	if err == nil {
		return found
	}
	message := fmt.Sprintf("no %s: %v; %s", name, err, n.fix)
	if Required(name) {
		t.Fatalf("%s (ADUAN_REQUIRE=%s)", message, os.Getenv("ADUAN_REQUIRE"))
	}
	t.Skip(message)
	return ""
}

// Required says whether ADUAN_REQUIRE makes a lack of name a failure.
func Required(name string) bool {
	for word := range strings.SplitSeq(os.Getenv("ADUAN_REQUIRE"), ",") {
		switch strings.TrimSpace(word) {
		case "all", name:
			return true
		case "node":
			if name == "node-smpp" {
				return true
			}
		}
	}
	return false
}

// program finds an executable: the variable env (which must then be right), the names on PATH, a file below the root.
func program(env string, names []string, below string) (string, error) {
	if given := os.Getenv(env); given != "" {
		path, err := exec.LookPath(given)
		if err != nil {
			return "", fmt.Errorf("%s=%s does not run", env, given)
		}
		return path, nil
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	if below != "" {
		if dir, err := root(); err == nil {
			if path, err := exec.LookPath(filepath.Join(dir, below)); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%s is not on PATH", names[0])
}

func node() (string, error) { return program("ADUAN_NODE", []string{"node", "nodejs"}, "") }

// netSMPP also asks for TLS, which Net::SMPP itself has not.
func netSMPP() (string, error) {
	path, err := program("ADUAN_PERL", []string{"perl"}, "")
	if err != nil {
		return "", err
	}
	if err := exec.Command(path, "-MNet::SMPP", "-MIO::Socket::SSL", "-MJSON::PP", "-e1").Run(); err != nil {
		return "", fmt.Errorf("perl has no Net::SMPP, IO::Socket::SSL or JSON::PP")
	}
	return path, nil
}

func kannel() (string, error) {
	path, err := program("ADUAN_BEARERBOX", []string{"bearerbox", "/usr/sbin/bearerbox"}, "")
	if err != nil {
		return "", err
	}
	if _, err := exec.LookPath(filepath.Join(filepath.Dir(path), "smsbox")); err != nil {
		return "", fmt.Errorf("bearerbox has no smsbox beside it")
	}
	return path, nil
}

func axe() (string, error) {
	path := os.Getenv("ADUAN_AXE")
	if path == "" {
		dir, err := root()
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, "internal", "e2e", "node", "node_modules", "axe-core", "axe.min.js")
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not there", path)
	}
	return path, nil
}

func nodeSMPP() (string, error) {
	if _, err := node(); err != nil {
		return "", err
	}
	dir, err := root()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "internal", "e2e", "node")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "smpp")); err != nil {
		return "", fmt.Errorf("node_modules/smpp is not in internal/e2e/node")
	}
	return dir, nil
}
