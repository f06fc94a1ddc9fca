package telemetry

import (
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Supervisor speaks to systemd by sd_notify; where none listens it is silent. The zero value is ready to use.
type Supervisor struct {
	// Notify replaces sd_notify in tests: it gets the lines of one datagram.
	Notify func(state string)
	// Watchdog interval for tests; 0: what systemd says by WATCHDOG_USEC.
	Interval time.Duration
}

func (s *Supervisor) send(lines ...string) {
	state := strings.Join(lines, "\n")
	if s.Notify != nil {
		s.Notify(state)
		return
	}
	_, _ = daemon.SdNotify(false, state) // nobody to tell of a supervisor that does not listen
}

// Ready says that the daemon serves, and how it stands in a sentence.
func (s *Supervisor) Ready(status string) { s.send(daemon.SdNotifyReady, "STATUS="+oneLine(status)) }

// Status says in a sentence how the daemon stands.
func (s *Supervisor) Status(status string) { s.send("STATUS=" + oneLine(status)) }

// Stopping says that the daemon has begun to stop.
func (s *Supervisor) Stopping() { s.send(daemon.SdNotifyStopping) }

// Watchdog says that the daemon is alive.
func (s *Supervisor) Watchdog() {
	if s.WatchdogEvery() > 0 {
		s.send(daemon.SdNotifyWatchdog)
	}
}

// WatchdogEvery is how often Watchdog must be called: half of what systemd waits; 0: it does not wait.
func (s *Supervisor) WatchdogEvery() time.Duration {
	if s.Interval > 0 {
		return s.Interval / 2
	}
	wait, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0
	}
	return wait / 2
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// sentence is the readiness for systemctl status.
func (r Readiness) sentence() string {
	if len(r.Reasons) == 0 {
		return "ready. " + r.Promise
	}
	if r.Ready {
		return "ready, but " + strings.Join(r.Reasons, "; ")
	}
	return "not ready: " + strings.Join(r.Reasons, "; ")
}
