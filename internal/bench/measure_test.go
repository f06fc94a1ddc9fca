package bench_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"aduan/internal/testenv"
)

// latencies are the times of single messages.
type latencies []time.Duration

// at is a percentile, 0 < p <= 100; 0 where nothing was measured.
func (l latencies) at(p float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	if !slices.IsSorted(l) {
		slices.Sort(l)
	}
	return l[min(int(float64(len(l))*p/100), len(l)-1)]
}

// measure is one row of the table, and of bench.json. Times are in microseconds.
type measure struct {
	Name         string  `json:"name"`
	Messages     int     `json:"messages"`
	PerSecond    float64 `json:"per_second"`
	AckP50       float64 `json:"ack_p50_us,omitempty"`
	AckP99       float64 `json:"ack_p99_us,omitempty"`
	SMSP50       float64 `json:"sms_p50_us,omitempty"`
	SMSP99       float64 `json:"sms_p99_us,omitempty"`
	SMSWaited    float64 `json:"sms_waited_percent"`      // took longer than 250 ms: they waited in the due set
	DaemonMicros float64 `json:"daemon_cpu_us,omitempty"` // of one message
	RedisMicros  float64 `json:"redis_cpu_us,omitempty"`  // of one message
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

func (m *measure) times(ack, sms latencies) {
	m.AckP50, m.AckP99 = micros(ack.at(50)), micros(ack.at(99))
	m.SMSP50, m.SMSP99 = micros(sms.at(50)), micros(sms.at(99))
	waited := 0
	for _, t := range sms {
		if t > 250*time.Millisecond {
			waited++
		}
	}
	m.SMSWaited = 100 * float64(waited) / float64(max(len(sms), 1))
}

// report is bench.json.
type report struct {
	Time    string     `json:"time"`
	Go      string     `json:"go"`
	Cores   int        `json:"cores"`
	Rows    []*measure `json:"rows"`
	OfBare  float64    `json:"of_floor_bare"`    // full way / floor 1
	OfFloor float64    `json:"of_floor_scripts"` // full way / floor 2
	Ratios  []float64  `json:"of_floor_scripts_rounds"`
	Fsync50 float64    `json:"fsync_p50_us"`
	Fsync99 float64    `json:"fsync_p99_us"`
	IdleCPU struct {
		Daemon float64 `json:"daemon_percent"`
		Redis  float64 `json:"redis_percent"`
	} `json:"idle_cpu"`
}

func (r *report) write(b *testing.B) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(testenv.Root(b), "bench.json"), append(data, '\n'), 0o600); err != nil {
		b.Fatal(err)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nway\tmessages/s\tack p50\tack p99\tSMS p50\tSMS p99\twaited\tCPU daemon\tCPU redis\t")
	ms := func(us float64) string {
		if us == 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f ms", us/1e3)
	}
	us := func(v float64) string {
		if v == 0 {
			return "-"
		}
		return fmt.Sprintf("%.0f µs", v)
	}
	for _, m := range r.Rows {
		fmt.Fprintf(w, "%s\t%.0f\t%s\t%s\t%s\t%s\t%.1f %%\t%s\t%s\t\n", m.Name, m.PerSecond,
			ms(m.AckP50), ms(m.AckP99), ms(m.SMSP50), ms(m.SMSP99), m.SMSWaited, us(m.DaemonMicros), us(m.RedisMicros))
	}
	_ = w.Flush()
	fmt.Printf("the full way does %.1f %% of floor 1 and %.0f %% of floor 2; rounds %.2f; a bare fsync takes %s, p99 %s; idle CPU: daemon %.1f %%, redis %.1f %%\n\n",
		100*r.OfBare, 100*r.OfFloor, r.Ratios, ms(r.Fsync50), ms(r.Fsync99), r.IdleCPU.Daemon, r.IdleCPU.Redis)
}

// median is the middle of the values, the lower one of two.
func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[(len(v)-1)/2]
}

// middle is the round of median speed, under a name.
func middle(name string, rounds []*measure) *measure {
	rounds = slices.SortedFunc(slices.Values(rounds), func(a, b *measure) int { return cmp.Compare(a.PerSecond, b.PerSecond) })
	m := rounds[(len(rounds)-1)/2]
	m.Name = name
	return m
}

// meter reads the CPU time that two processes have used.
type meter struct{ pids [2]int }

// ticks of /proc/PID/stat are 1/100 s on Linux, whatever the kernel's HZ.
const tick = 10 * time.Millisecond

func (m *meter) read(b *testing.B) (spent [2]time.Duration) {
	for i, pid := range m.pids {
		if pid == 0 {
			continue
		}
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			b.Logf("no CPU times: %v", err) // not Linux
			return spent
		}
		f := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+2:]))
		user, _ := strconv.ParseInt(f[11], 10, 64)
		system, _ := strconv.ParseInt(f[12], 10, 64)
		spent[i] = time.Duration(user+system) * tick
	}
	return spent
}

// fsyncs times bare appends of a message's size, each synced, in dir.
func fsyncs(b *testing.B, dir string, rate int, d time.Duration) latencies {
	f, err := os.CreateTemp(dir, "fsync")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // a scratch file
	block := make([]byte, 4096)
	var l latencies
	begin := time.Now()
	for k := range rate * int(d/time.Second) {
		time.Sleep(time.Until(begin.Add(time.Duration(k) * time.Second / time.Duration(rate))))
		at := time.Now()
		if _, err := f.Write(block); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		l = append(l, time.Since(at))
	}
	return l
}
