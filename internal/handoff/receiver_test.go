package handoff_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"aduan/internal/handoff"
)

// of gives a ticket to an agency.
func (l *line) of(ticket int, agency string) {
	l.mu.Lock()
	l.agency[uint64(ticket)] = agency
	l.mu.Unlock()
}

func endpoints(urls map[string]string) map[string]handoff.Endpoint {
	all := map[string]handoff.Endpoint{}
	for name, url := range urls {
		all[name] = handoff.Endpoint{URL: url, Secret: secretB}
	}
	return all
}

func TestTheTicketsOfAnAgencyGoToItsOwnEndpoint(t *testing.T) {
	lineBox, lineURL := newInbox(t, nil)
	puBox, puURL := newInbox(t, nil)
	l := start(t, lineURL, func(o *handoff.Options) { o.Agencies = endpoints(map[string]string{"Dinas PU": puURL}) })
	l.of(2, "Dinas PU")
	l.of(3, "Dinas Kesehatan")
	for ticket := 1; ticket <= 3; ticket++ {
		l.commit(ticket, fmt.Sprint("e", ticket))
	}
	eventually(t, "all are taken", func() bool { return l.left(1)+l.left(2)+l.left(3) == 0 })
	got := lineBox.got()
	slices.Sort(got)
	if !slices.Equal(got, []string{"e1", "e3"}) || !slices.Equal(puBox.got(), []string{"e2"}) {
		t.Errorf("the line's: %v, the agency's: %v", got, puBox.got())
	}
}

func TestAForwardedTicketKeepsItsOrder(t *testing.T) {
	a, aURL := newInbox(t, status(500))
	b, bURL := newInbox(t, nil)
	l := start(t, "", func(o *handoff.Options) {
		o.Endpoint = handoff.Endpoint{}
		o.Agencies = endpoints(map[string]string{"A": aURL, "B": bURL})
	})
	l.of(1, "A")
	l.commit(1, "e1")
	eventually(t, "A refuses the first", func() bool { return len(a.got()) == 1 && l.dueIn(1) == 5*time.Second })
	l.of(1, "B") // by the change that the second event tells of
	l.commit(1, "e2")
	l.pass(5 * time.Second)
	eventually(t, "both are taken", func() bool { return l.left(1) == 0 })
	if !slices.Equal(b.got(), []string{"e1", "e2"}) {
		t.Errorf("B got %v", b.got())
	}
}

func TestWhatIsNobodysIsLeftToBePulled(t *testing.T) {
	box, url := newInbox(t, nil)
	l := start(t, "", func(o *handoff.Options) {
		o.Endpoint = handoff.Endpoint{}
		o.Agencies = endpoints(map[string]string{"A": url})
	})
	l.commit(1, "e1")
	eventually(t, "it waits no more", func() bool { return l.left(1) == 0 })
	if len(box.got()) != 0 || l.count("nobody") != 1 {
		t.Errorf("A got %v", box.got())
	}
}

func TestAnEscalationIsToldToTheSuperiorsOwnEndpointAlone(t *testing.T) {
	lineBox, lineURL := newInbox(t, nil)
	above, aboveURL := newInbox(t, nil)
	l := start(t, lineURL, func(o *handoff.Options) { o.Agencies = endpoints(map[string]string{"Provinsi": aboveURL}) })
	l.of(1, "Kota")
	l.beside["e2"], l.beside["e3"] = "Provinsi", "Pusat" // of which the second has no endpoint
	for _, id := range []string{"e1", "e2", "e3"} {
		l.commit(1, id)
	}
	eventually(t, "all are told", func() bool { return l.left(1) == 0 })
	if !slices.Equal(lineBox.got(), []string{"e1"}) || !slices.Equal(above.got(), []string{"e2"}) {
		t.Errorf("the line's: %v, the superior's: %v", lineBox.got(), above.got())
	}
}

// One that hangs keeps no more than its own slots, and then its breaker is open.
func TestASlowAgencyHoldsUpNobodyElse(t *testing.T) { // FAULTS C1
	release := make(chan struct{})
	slow, slowURL := newInbox(t, func(http.ResponseWriter, *http.Request, string) { <-release })
	box, url := newInbox(t, nil)
	l := start(t, url, func(o *handoff.Options) {
		o.Agencies, o.Workers, o.Timeout = endpoints(map[string]string{"slow": slowURL}), 2, 500*time.Millisecond
		o.BreakerAfter, o.BreakerOpen, o.RampFrom = 2, 100*time.Millisecond, 100
	})
	const each = 20
	for i := range each {
		l.of(100+i, "slow")
		l.commit(100+i, fmt.Sprint("s", i))
	}
	eventually(t, "the slow one has what it can hold", func() bool { return len(slow.got()) == 2 })
	for i := range each {
		l.commit(i, fmt.Sprint("e", i))
	}
	eventually(t, "the others are taken meanwhile", func() bool { return len(box.got()) == each })
	if n := len(slow.got()); n != 2 {
		t.Errorf("%d deliveries to the slow one at once", n)
	}
	eventually(t, "its breaker opens", func() bool { return l.count("timeout") >= 2 && l.count("breaker") >= 1 })
	close(release)
	slow.set(nil)
	eventually(t, "all is taken in the end", func() bool {
		l.pass(15 * time.Minute)
		time.Sleep(10 * time.Millisecond)
		left := 0
		for i := range each {
			left += l.left(100 + i)
		}
		return left == 0
	})
}

func (l *line) breaker(receiver string) float64 {
	families, err := l.reg.Gather()
	if err != nil {
		l.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "aduan_webhook_breaker_state" && m.GetLabel()[0].GetValue() == receiver {
				return m.GetGauge().GetValue()
			}
		}
	}
	return -1
}

// A receiver that was down gets everything once it is back, and slowly at first.
func TestAReceiverThatComesBackIsNotFlooded(t *testing.T) {
	box, url := newInbox(t, status(503))
	l := start(t, url, func(o *handoff.Options) {
		o.BreakerAfter, o.BreakerOpen, o.RampFrom, o.RampTo, o.RampEvery = 3, 100*time.Millisecond, 50, 400, 250*time.Millisecond
	})
	const tickets = 120
	for i := range tickets {
		l.commit(i, fmt.Sprint("e", i))
	}
	eventually(t, "the breaker is open", func() bool { return l.breaker("general") == 2 })
	var times []time.Time
	box.set(func(http.ResponseWriter, *http.Request, string) {
		box.mu.Lock()
		times = append(times, time.Now())
		box.mu.Unlock()
	})
	began := time.Now()
	eventually(t, "all are taken once it is back", func() bool {
		l.pass(15 * time.Minute)
		time.Sleep(10 * time.Millisecond)
		left := 0
		for i := range tickets {
			left += l.left(i)
		}
		return left == 0
	})
	box.mu.Lock()
	defer box.mu.Unlock()
	// In the first 250 ms at most 50 a second, in the next 100, in the next 200 …; and the one that tried whether it is back.
	first := 0
	for _, at := range times {
		if at.Sub(times[0]) < 250*time.Millisecond {
			first++
		}
	}
	if first > 16 {
		t.Errorf("%d deliveries in the first 250 ms", first)
	}
	if took := time.Since(began); took < 400*time.Millisecond {
		t.Errorf("%d deliveries in %v", tickets, took)
	}
}

func TestAParkedEventWaitsForAPersonOrADay(t *testing.T) {
	box, url := newInbox(t, status(410))
	l := start(t, url, nil)
	l.commit(1, "e1")
	eventually(t, "it is parked at once", func() bool { _, ok := l.waitsForAPerson(1); return ok })
	if p, _ := l.waitsForAPerson(1); p.Event.ID != "e1" || !strings.Contains(p.Why, "410") || p.Tries != 1 {
		t.Errorf("%+v", p)
	}
	l.commit(1, "e2")
	l.commit(2, "f1")
	eventually(t, "the other ticket's is tried", func() bool { return slices.Contains(box.got(), "f1") })
	eventually(t, "what came later waits behind it", func() bool { return l.dueIn(1) > 23*time.Hour })
	if got := box.got(); len(got) != 2 {
		t.Errorf("sent %v", got)
	}
	l.pass(24 * time.Hour)
	eventually(t, "it is tried after a day, and parked again", func() bool { return len(box.got()) >= 3 && l.dueIn(1) == 24*time.Hour })
	box.set(nil)
	l.retry(1)
	eventually(t, "a person sends it again", func() bool { return l.left(1) == 0 })
	if got := slices.DeleteFunc(box.got(), func(id string) bool { return id == "f1" }); !slices.Equal(got, []string{"e1", "e1", "e1", "e2"}) {
		t.Errorf("sent %v", got)
	}
}

func TestAReceiverThatStaysKeepsItsBreaker(t *testing.T) {
	_, url := newInbox(t, status(502))
	_, other := newInbox(t, nil)
	l := start(t, url, func(o *handoff.Options) { o.BreakerAfter = 2 })
	l.commit(1, "e1")
	l.commit(2, "e2")
	eventually(t, "the breaker is open", func() bool { return l.breaker("general") == 2 })
	e := handoff.Endpoint{URL: url, Secret: secretA}
	if err := l.h.Configure(e, endpoints(map[string]string{"A": other})); err != nil {
		t.Fatal(err)
	}
	if l.breaker("general") != 2 || l.breaker("A") != 0 {
		t.Errorf("general %v, A %v", l.breaker("general"), l.breaker("A"))
	}
	if err := l.h.Configure(e, map[string]handoff.Endpoint{"A": {URL: "ftp://x", Secret: secretA, Key: "case_system.agencies.a"}}); err == nil || !strings.HasPrefix(err.Error(), "case_system.agencies.a.url: ") {
		t.Errorf("%v", err)
	}
	e.URL = other
	if err := l.h.Configure(e, nil); err != nil {
		t.Fatal(err)
	}
	if l.breaker("general") != 0 || testutil.CollectAndCount(l.reg, "aduan_webhook_breaker_state") != 1 {
		t.Errorf("general %v; %d receivers are told of", l.breaker("general"), testutil.CollectAndCount(l.reg, "aduan_webhook_breaker_state"))
	}
}
