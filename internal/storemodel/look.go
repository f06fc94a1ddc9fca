package storemodel

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"aduan/internal/msisdn"
	"aduan/store"
)

// What tests look at. None of it is a script: nothing is counted or delayed.

// Tickets are the texts of all tickets, in the order of shard and serial.
func (r *Redis) Tickets() (texts [][]string) {
	r.locked(func() {
		keys := slices.SortedFunc(maps.Keys(r.tickets), func(a, b ticketKey) int {
			if a.shard != b.shard {
				return a.shard - b.shard
			}
			return int(a.serial) - int(b.serial) //nolint:gosec // serials of tests are small
		})
		for _, k := range keys {
			var list []string
			for i := 1; ; i++ {
				data, ok := r.tickets[k].entries["x"+itoa(i)]
				if !ok {
					break
				}
				var e struct {
					Parts []string `json:"p"`
					Gaps  []int    `json:"g"`
				}
				if err := json.Unmarshal(data, &e); err != nil {
					panic(err) // a test's own data
				}
				text := ""
				for n, p := range e.Parts {
					if slices.Contains(e.Gaps, n+1) {
						p = "[...]"
					}
					text += p
				}
				list = append(list, text)
			}
			texts = append(texts, list)
		}
	})
	return texts
}

// SMS are all outgoing SMS in the order of their queueing.
func (r *Redis) SMS() (list []store.Message) {
	r.locked(func() {
		for _, id := range slices.Sorted(maps.Keys(r.sms)) {
			list = append(list, r.sms[id].message())
		}
	})
	slices.SortStableFunc(list, func(a, b store.Message) int {
		return a.Times[store.StateQueued].Compare(b.Times[store.StateQueued])
	})
	return list
}

// SMSTo are the outgoing SMS of one citizen.
func (r *Redis) SMSTo(m msisdn.MSISDN) (list []store.Message) {
	id := Identify(m)
	r.locked(func() {
		for _, one := range r.sms {
			if one.citizen == id {
				list = append(list, one.message())
			}
		}
	})
	return list
}

// Holders is which boot holds each SMS that is held.
func (r *Redis) Holders() (held map[string]string) {
	held = map[string]string{}
	r.locked(func() {
		for id, m := range r.sms {
			if m.holder != "" {
				held[id] = m.holder
			}
		}
	})
	return held
}

// Turns is how many turns of a citizen were kept.
func (r *Redis) Turns(m msisdn.MSISDN) (n uint64) {
	r.locked(func() {
		if c := r.citizens[Identify(m)]; c != nil {
			n = c.version
		}
	})
	return n
}

// Took are the digests of a citizen's messages that had a turn, in order; again is how many late copies were answered
// once more, or asked anew.
func (r *Redis) Took(m msisdn.MSISDN) (digests []string, again int) {
	r.locked(func() {
		if c := r.citizens[Identify(m)]; c != nil {
			digests, again = slices.Clone(c.took), c.again
		}
	})
	return digests, again
}

// HasPart tells whether a part of a citizen's long SMS stands, or stood when that was joined.
func (r *Redis) HasPart(m msisdn.MSISDN, digest string) (has bool) {
	id := Identify(m)
	r.locked(func() {
		for ref, g := range r.groups {
			if ref.Citizen != id {
				continue
			}
			for _, d := range g.digests {
				has = has || d == digest
			}
		}
	})
	return has
}

// Kept is the content of a citizen that no ticket took.
func (r *Redis) Kept(m msisdn.MSISDN) (list [][]byte) {
	r.locked(func() {
		if c := r.citizens[Identify(m)]; c != nil {
			list = slices.Clone(c.kept)
		}
	})
	return list
}

// Marks are all marks that stand.
func (r *Redis) Marks() (list []store.Mark) {
	r.locked(func() {
		for k := range r.marks {
			if m := r.markOf(k); m != nil {
				list = append(list, m.copied())
			}
		}
	})
	return list
}

// Events are the types of all events, in order.
func (r *Redis) Events() (types []string) {
	r.locked(func() {
		for _, e := range r.events {
			types = append(types, e.Type)
		}
	})
	return types
}

// Told are the events that were kept, in order.
func (r *Redis) Told() (events []store.Event) {
	r.locked(func() { events = slices.Clone(r.events) })
	return events
}

// Due is when SMS of the outbox are due, by id.
func (r *Redis) Due() (at map[string]time.Time) {
	at = map[string]time.Time{}
	r.locked(func() {
		for k, t := range r.due {
			if k.kind == 's' {
				at[k.name] = t
			}
		}
	})
	return at
}

// Audit is what was written down for the audit trail of a shard.
func (r *Redis) Audit(shard int) (records []store.Audit) {
	r.locked(func() { records = slices.Clone(r.audit[shard]) })
	return records
}
