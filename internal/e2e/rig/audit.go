package rig

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/conversation"
	"aduan/smpp/smsc"
	"aduan/store/storetest"
)

// Judge audits what a fault has left behind.
type Judge struct {
	T       testing.TB
	SMSCs   []*SMSC
	Daemons []*Daemon
	Redis   *storetest.Redis
	Keeper  Keeper      // instead of Redis: where the data lies
	Config  *Config     // of one daemon: the store's key
	Case    *CaseSystem // nil: events are not handed on

	Doubles    int           // how many SMS may have come twice: crashes and lost resps, times the window
	Settle     time.Duration // how long the line may take to come to rest; 0: 60 s
	Waiting    int           // SMS that may still wait (for the morning, for an operator); they must have a next try
	Unanswered bool          // tickets whose number never reached the citizen are no fault (opted out, machines)
	Secrets    []string      // more that must stand in no log: API keys
}

// Report is what the audit counted.
type Report struct {
	Acknowledged int // texts with a token that were answered ESME_ROK
	Attempts     int // deliver_sm and their copies
	Refused      int // of these, answered with a temporary error
	Tickets      int
	SMS          int // different ones that came to telephones
	Doubled      int // those that came again
	Settled      time.Duration
}

// String is the report in a line.
func (r Report) String() string {
	return fmt.Sprintf("%d texts acknowledged (%d deliver_sm, %d of them answered with a temporary error), %d tickets, %d SMS, %d of them sent twice; at rest after %v",
		r.Acknowledged, r.Attempts, r.Refused, r.Tickets, r.SMS, r.Doubled, r.Settled.Round(time.Millisecond))
}

// Audit is the audit of the whole line. doubles is how many SMS may have come twice.
func (l *Line) Audit(t testing.TB, doubles int) Report {
	t.Helper()
	return Judge{
		T: t, SMSCs: []*SMSC{l.SMSC}, Daemons: []*Daemon{l.Daemon}, Keeper: l.Keeper, Config: l.Config, Case: l.Case,
		Doubles: doubles,
	}.Audit()
}

// Audit waits until the line is at rest and judges: (a) what was acknowledged is kept exactly once, (b) no half turn, (c)
// order, (d) everything has its end or its next try, (e) doubled SMS, (f) nothing personal in logs and metrics, (g) no leak.
func (j Judge) Audit() Report {
	j.T.Helper()
	if j.Settle == 0 {
		j.Settle = 60 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), j.Settle+time.Minute)
	defer cancel()
	r := Report{Settled: j.rest(ctx)}
	phones := whatWasSaid(j.SMSCs)
	heards := whatWasHeard(j.SMSCs, phones)
	c := j.halves(ctx)
	if c == nil {
		return r
	}
	r.Tickets = len(c.tickets)
	j.once(phones, c, &r)
	j.order(phones, c, heards)
	j.answered(c, heards)
	j.linear(phones, c, heards)
	j.told(c)
	for _, list := range heards {
		for _, h := range list {
			r.SMS++
			r.Doubled += h.times - 1
		}
	}
	if r.Doubled > j.Doubles {
		j.T.Errorf("audit (e): %d SMS came twice, at most %d may", r.Doubled, j.Doubles)
	}
	for _, s := range j.SMSCs {
		for _, e := range s.Journal() {
			if e.Kind == smsc.EntryDeliver && !e.Receipt {
				r.Attempts++
				if e.Outcome == smsc.Answered && e.Status != 0 {
					r.Refused++
				}
			}
		}
	}
	j.private(phones)
	j.leaks()
	return r
}

// rest waits until nothing is under way any more (d).
func (j Judge) rest(ctx context.Context) time.Duration {
	j.T.Helper()
	begun, why := time.Now(), ""
	ok := Poll(j.Settle, func() bool {
		why = j.busy(ctx)
		return why == ""
	})
	if !ok {
		j.T.Errorf("audit (d): after %v %s", j.Settle, why)
	}
	return time.Since(begun)
}

// busy says what is under way, in words; "": nothing.
func (j Judge) busy(ctx context.Context) string {
	client := j.keeper().Client()
	pipe := client.Pipeline()
	var queues []*redis.IntCmd
	for shard := range 100 {
		queues = append(queues, pipe.ZCard(ctx, fmt.Sprintf("{%02d}:q", shard)))
	}
	_, err := pipe.Exec(ctx)
	var held, handed, groups []string
	if err == nil {
		err = masters(ctx, client, func(c *redis.Client) error {
			for pattern, list := range map[string]*[]string{"*:held:*": &held, "*:h:*": &handed, "*:g:*": &groups} {
				keys, err := c.Keys(ctx, pattern).Result()
				if err != nil {
					return err
				}
				*list = append(*list, keys...)
			}
			return nil
		})
	}
	if err != nil {
		return "Redis does not answer: " + err.Error()
	}
	queued := 0
	for _, q := range queues {
		queued += int(q.Val())
	}
	switch {
	case queued > j.Waiting:
		return fmt.Sprintf("%d SMS wait", queued)
	case len(held) > 0:
		return "SMS are in a daemon's hands"
	case len(handed) > 0 && j.Case != nil:
		return fmt.Sprintf("%d tickets have events to hand on", len(handed))
	}
	for _, k := range groups {
		if client.HGet(ctx, k, "j").Val() != "1" {
			return "a long SMS waits for its parts"
		}
	}
	for _, d := range j.Daemons {
		if d.Running() {
			if status, body, err := d.Get("/readyz", ""); err != nil || status != 200 {
				return fmt.Sprintf("/readyz is %d: %s %v", status, body, err)
			}
		}
	}
	for _, list := range whatWasSaid(j.SMSCs) {
		for _, m := range list {
			if m.open() {
				return "a telephone's message has no final answer"
			}
		}
	}
	return ""
}

// halves reads everything and finds halves of turns (b). What is only on its way is looked at again.
func (j Judge) halves(ctx context.Context) *content {
	j.T.Helper()
	var bad []string
	var c *content
	Poll(min(15*time.Second, j.Settle), func() bool { // what is half only because we looked just then
		d, err := read(ctx, j.keeper().Client())
		if err == nil {
			c, err = j.contents(ctx, d)
		}
		if err != nil {
			bad = []string{err.Error()}
			return false
		}
		bad = slices.Concat(d.halfSMS(), d.halfDue(), c.bad)
		return len(bad) == 0
	})
	j.complain("(b)", bad)
	return c
}

// complain reports the first few of many.
func (j Judge) complain(part string, bad []string) {
	j.T.Helper()
	slices.Sort(bad)
	for i, b := range bad {
		if i == 10 {
			j.T.Errorf("audit %s: … and %d more", part, len(bad)-i)
			return
		}
		j.T.Errorf("audit %s: %s", part, b)
	}
}

// once compares what was acknowledged with what is kept (a).
func (j Judge) once(phones map[string][]*said, c *content, r *Report) {
	j.T.Helper()
	type count struct {
		sent, acked, kept int
		where             []string
		text              string
	}
	all := map[string]*count{}
	at := func(token string) *count {
		if all[token] == nil {
			all[token] = &count{}
		}
		return all[token]
	}
	for _, list := range phones {
		for _, m := range list {
			for _, token := range tokenPattern.FindAllString(m.text, -1) {
				n := at(token)
				n.sent++
				n.text = m.text
				if m.acked() {
					n.acked++
					r.Acknowledged++
				}
			}
		}
	}
	var bad []string
	for number, t := range c.tickets {
		for field, w := range t.texts {
			for _, token := range tokenPattern.FindAllString(w.text, -1) {
				n := at(token)
				n.kept++
				n.where = append(n.where, number.String()+" "+field)
				if n.text != "" && !w.missing && strings.TrimSpace(n.text) != strings.TrimSpace(w.text) {
					bad = append(bad, fmt.Sprintf("ticket %v %s has %q, sent was %q", number, field, w.text, n.text))
				}
			}
		}
	}
	for text, times := range c.kept {
		for _, token := range tokenPattern.FindAllString(text, -1) {
			at(token).kept += times
			at(token).where = append(at(token).where, "kept with the conversation")
		}
	}
	for token, n := range all {
		if n.kept < n.acked {
			bad = append(bad, fmt.Sprintf("LOST: %s was acknowledged %d times and is kept %d times: %v", token, n.acked, n.kept, n.where))
		}
		if n.kept > n.sent {
			bad = append(bad, fmt.Sprintf("DOUBLED: %s was sent %d times and is kept %d times: %v", token, n.sent, n.kept, n.where))
		}
	}
	j.complain("(a)", bad)
}

// order looks at promise 4, inwards by the stream of events, outwards by the answers that name new tickets (c).
func (j Judge) order(phones map[string][]*said, c *content, heards map[string][]*heard) {
	j.T.Helper()
	type place struct {
		order  string
		number conversation.Number
		first  bool // it filed the ticket
	}
	places := map[string]place{}
	for number, t := range c.tickets {
		for field, w := range t.texts {
			for _, token := range tokenPattern.FindAllString(w.text, -1) {
				places[token] = place{w.order, number, field == "x1"}
			}
		}
	}
	var bad []string
	for phone, list := range phones {
		answer := map[conversation.Number]int{}
		for i, h := range heards[phone] {
			for _, n := range numbersIn(h.text) {
				if _, seen := answer[n]; !seen {
					answer[n] = i
				}
			}
		}
		for i, a := range list {
			for _, b := range list[i+1:] {
				ta, tb := tokenPattern.FindString(a.text), tokenPattern.FindString(b.text)
				pa, pb := places[ta], places[tb]
				if ta == tb || pa.order == "" || pb.order == "" || !a.before(b) {
					continue
				}
				if pa.order >= pb.order {
					bad = append(bad, fmt.Sprintf("%s was acknowledged before %s was sent, and is kept after it", ta, tb))
				}
				na, okA := answer[pa.number]
				nb, okB := answer[pb.number]
				if pa.first && pb.first && okA && okB && na > nb {
					bad = append(bad, fmt.Sprintf("the answer to %s came after that to %s", ta, tb))
				}
			}
		}
	}
	j.complain("(c)", bad)
}

var numberPattern = regexp.MustCompile(`\d{1,4}(?:-\d{4})+`)

func numbersIn(text string) []conversation.Number {
	var out []conversation.Number
	for _, s := range numberPattern.FindAllString(text, -1) {
		if n, err := conversation.ParseNumber(s); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// answered looks that every ticket's number reached its citizen.
func (j Judge) answered(c *content, heards map[string][]*heard) {
	j.T.Helper()
	if j.Unanswered {
		return
	}
	var bad []string
	for number, t := range c.tickets {
		if t.head.Link == "" {
			continue // it came by another channel
		}
		reached := slices.ContainsFunc(heards[t.owner], func(h *heard) bool { return slices.Contains(numbersIn(h.text), number) })
		if !reached {
			bad = append(bad, fmt.Sprintf("the number of ticket %v never reached its citizen; its SMS: %v", number, t.sms))
		}
	}
	j.complain("(P5)", bad)
}

// private looks for what must stand in no log and no metric (f), and for crashes that nobody asked for.
func (j Judge) private(phones map[string][]*said) {
	j.T.Helper()
	for _, d := range j.Daemons {
		texts := map[string]string{"the log": d.Log()}
		if d.Running() {
			if status, body, err := d.Get("/metrics", ""); err == nil && status == 200 {
				texts["/metrics"] = string(body)
			}
		}
		for where, text := range texts {
			for phone := range phones {
				if national := strings.TrimPrefix(phone, "62"); strings.Contains(text, national) {
					j.T.Errorf("audit (f): a telephone number stands in %s", where)
					break
				}
			}
			if token := tokenPattern.FindString(text); token != "" {
				j.T.Errorf("audit (f): a citizen's text stands in %s: %s", where, token)
			}
			for _, secret := range append([]string{Password, WebhookSecret}, j.Secrets...) {
				if strings.Contains(text, secret) {
					j.T.Errorf("audit (f): a secret stands in %s", where)
				}
			}
			for _, crash := range []string{"WARNING: DATA RACE", "fatal error: ", "panic: "} {
				if strings.Contains(text, crash) {
					j.T.Errorf("audit: the daemon's log holds %q:\n%s", crash, head(text[strings.Index(text, crash):], 5000))
				}
			}
		}
	}
}

// leaks looks at what an idle daemon still uses (g).
func (j Judge) leaks() {
	j.T.Helper()
	const goroutines, files = 400, 120 // a daemon at rest with small windows needs a quarter of these
	for _, d := range j.Daemons {
		if !d.Running() {
			continue
		}
		ok := Poll(10*time.Second, func() bool {
			return d.Metric("go_goroutines") <= goroutines && d.Metric("process_open_fds") <= files
		})
		if !ok {
			j.T.Errorf("audit (g): at rest there are %v goroutines and %v open files", d.Metric("go_goroutines"), d.Metric("process_open_fds"))
		}
	}
}

// Metric is the sum of a metric's series, 0 where there is none; a label in the name narrows it: `x_total{kind="a"}`.
func (d *Daemon) Metric(series string) float64 {
	_, body, err := d.Get("/metrics", "")
	if err != nil {
		return 0
	}
	sum := 0.0
	for line := range strings.Lines(string(body)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), series); ok && (rest[0] == ' ' || rest[0] == '{') {
			v, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
			if err == nil {
				sum += v
			}
		}
	}
	return sum
}
