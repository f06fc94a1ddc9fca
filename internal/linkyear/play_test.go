package linkyear

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"aduan/internal/msisdn"
	"aduan/internal/storemodel"
	"aduan/smpp"
)

// write lets a citizen write: mostly a new one, else one who wrote before, at times the same words again.
func (w *world) write(badTLVs bool) {
	w.written++
	if old := len(w.lanes); old > 0 && w.dice.IntN(3) == 0 {
		l := w.lanes[max(0, old-1-w.dice.IntN(5))]
		if l.long != nil || l.pushed {
			l = w.newLane()
		}
		var last []byte
		if n := len(l.texts); n > 0 {
			last = l.texts[n-1].m.ShortMessage
		}
		if last == nil || w.dice.IntN(3) > 0 {
			last = fmt.Appendf(nil, "di jalan melati nomor %d", w.written)
		}
		w.send(l, string(last), badTLVs)
		return
	}
	w.send(w.newLane(), fmt.Sprintf("LAPOR jalan rusak nomor %d di depan pasar", w.written), badTLVs)
}

func (w *world) newLane() *lane {
	w.citizen++
	m, err := msisdn.FromE164(fmt.Sprintf("+62812%07d", w.citizen))
	if err != nil {
		panic(err)
	}
	l := &lane{phone: m}
	w.lanes = append(w.lanes, l)
	return l
}

// send queues a text at the SMSC, whose mu is held.
func (w *world) send(l *lane, words string, badTLVs bool) *text {
	m := message(l.phone.Digits(), words)
	pdu, err := smpp.AppendMessage(nil, smpp.CmdDeliverSM, 1, m)
	if err != nil {
		panic(err)
	}
	if badTLVs {
		pdu = sized(append(pdu, 0x14, 0x00, 0x00, 0x09, 1))
	}
	return w.smsc.send(l, m, pdu)
}

// play lives through a plan, and returns what was wrong.
func play(t *testing.T, seed uint64, set setting, plan []burst) *audit {
	engine() // outside the bubble
	a := &audit{seed: seed}
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, set: set, redis: storemodel.New(), audit: a, dice: rand.New(rand.NewPCG(seed, 3))}
		w.redis.Keep(24*time.Hour, max(time.Minute, set.enquire+set.response+20*time.Second))
		w.digest = w.redis.Daemon("x").Digest
		w.smsc = newSMSC(w, seed)
		a.w = w
		began := time.Now()
		for range set.daemons {
			w.start()
		}
		time.Sleep(3 * time.Second)
		for i, b := range plan {
			w.live(b)
			if a.failed() {
				a.fail("in burst %d: %v", i, b)
				break
			}
		}
		if rest := set.hours - time.Since(began); rest > 0 && !a.failed() {
			time.Sleep(rest)
		}
		w.finish()
		a.lived = time.Since(began)
	})
	return a
}

// somebody writes, in half of the seeds at times at length, or is written to.
func (w *world) somebody() {
	kind := 11
	if w.audit.seed%4 < 2 {
		kind = w.dice.IntN(12)
	}
	switch kind {
	case 0, 1:
		w.smsc.locked(w.writeLong)
	case 2:
		w.push()
	default:
		w.smsc.locked(func() { w.write(false) })
	}
}

// live lives through one burst, and looks whether all goes on behind it.
func (w *world) live(b burst) {
	time.Sleep(b.gap)
	w.smsc.locked(func() { w.smsc.lag = b.lag })
	w.redis.Latency(b.disk, b.disk)
	began := time.Now()
	until := func(at time.Duration) {
		if d := at - time.Since(began); d > 0 {
			time.Sleep(d)
		}
	}
	type moment struct {
		at time.Duration
		do func()
	}
	var all []moment
	for _, ms := range b.texts {
		all = append(all, moment{time.Duration(ms) * time.Millisecond, w.somebody})
	}
	for _, f := range b.faults {
		all = append(all, moment{f.after, func() { w.begin(f) }})
	}
	for len(all) > 0 {
		first := 0
		for i, m := range all {
			if m.at < all[first].at {
				first = i
			}
		}
		until(all[first].at)
		all[first].do()
		all = append(all[:first], all[first+1:]...)
	}
	until(b.length)
	w.behave()
	w.revive()
	w.recovered()
}

// finish waits until nothing is under way, looks at all that was, and ends everybody.
func (w *world) finish() {
	for range 60 {
		if w.audit.failed() || w.audit.settled() {
			break
		}
		time.Sleep(10 * time.Second)
	}
	w.audit.all()
	for _, d := range w.daemons {
		d.stop()
	}
	w.smsc.locked(func() { w.smsc.each(func(c *link) { c.drop() }) })
	w.wg.Wait()
	w.audit.ended()
}
