package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Part is one segment of a long incoming SMS.
type Part struct {
	Boot          string
	Deadline, Now time.Time
	Timeout       time.Duration // after which the group is due with its gaps
	Citizen       Citizen
	Destination   string
	Ref           uint16
	Wide          bool // a 16-bit reference
	Total, Number int
	Data          []byte // opaque; sealed
	Digest        string // of the content
	Over          bool   // it may begin a group beyond MaxOpenGroups
}

// MaxOpenGroups is how many long SMS of one citizen may be begun and not yet joined: a sender that begins and never ends
// holds at most 8 × 255 parts. A ninth asks for the oldest to be joined with its gaps first, which the rest may fill later.
const MaxOpenGroups = 8

// PartKind says what became of a part.
type PartKind int

// What KeepPart gives. Only PartKept and PartWhole may have written.
const (
	PartKept      PartKind = iota + 1
	PartDuplicate          // it was kept, or taken, before
	PartWhole              // all parts are there and nobody has joined them: Group
	PartGap                // the group was joined without this part: a turn with Fill takes it
	PartConflict           // the open group has other content under this number: join it first, then keep again
	PartStale              // the citizen's key is not as assumed: Citizen stands
	PartLate               // the deadline has passed, or the boot is fenced
	PartFull               // MaxOpenGroups of the citizen are open: join Group, the oldest, first, then keep again
)

// PartOutcome is the answer to KeepPart.
type PartOutcome struct {
	Kind    PartKind
	Citizen Citizen // Stale: what stands; PartKept and PartWhole: as it is now
	Group   Group
}

// GroupRef names a group of segments.
type GroupRef struct {
	Citizen CitizenID
	Key     string
}

// Group is what has come of a long SMS.
type Group struct {
	Ref          GroupRef
	Citizen      Citizen
	Total        int
	Parts        map[int][]byte
	First        time.Time
	Version      int64
	Joined       bool
	JoinedTicket uint64
	JoinedField  string
}

// wholeLease is how long the group that became whole is left to who keeps its last part, before timers take it.
const wholeLease = 10 * time.Second

// groupName names destination, reference and total: with the citizen, a long SMS as it stands on the wire.
func (p *Part) groupName() string {
	return digest(p.Destination, strconv.Itoa(int(p.Ref)), strconv.FormatBool(p.Wide), strconv.Itoa(p.Total))
}

// KeepPart keeps one segment before its acknowledgement, or says what is known of it. Errors as of [Store.Commit].
func (s *Store) KeepPart(ctx context.Context, p Part) (PartOutcome, error) {
	id := p.Citizen.ID
	if err := s.boot.allowed(p.Boot); errors.Is(err, ErrFenced) {
		return PartOutcome{Kind: PartLate}, nil
	} else if err != nil {
		return PartOutcome{}, notKept(err)
	}
	deadline, err := s.redisDeadline(ctx, p.Deadline)
	if errors.Is(err, ErrLate) {
		return PartOutcome{Kind: PartLate}, nil
	}
	if err != nil {
		return PartOutcome{}, err
	}
	if p.Total < 1 || p.Total > 255 || p.Number < 1 || p.Number > p.Total {
		return PartOutcome{}, notKept(fmt.Errorf("part %d of %d is no part", p.Number, p.Total))
	}
	citizen, group := citizenKey(id), groupKey(id, p.groupName())
	n := strconv.Itoa(p.Number)
	var number []byte
	if p.Citizen.Version == 0 {
		number = p.Citizen.key.seal(citizen, "n", []byte(p.Citizen.Number.Reveal()))
	}
	args := []any{
		p.Boot, deadline, p.Citizen.Version, p.Citizen.key.wrapped, number, p.Total, p.Number,
		p.Citizen.key.seal(group, "p"+n, p.Data), s.keys.veil(p.Digest), millis(p.Now), millis(p.Now.Add(p.Timeout)),
		millis(p.Now.Add(min(wholeLease, p.Timeout))), MaxOpenGroups,
	}
	if p.Over {
		args[len(args)-1] = 0
	}
	keys := []string{dueKey(id.Shard), fenceKey(id.Shard), citizen, group}
	reply, err := s.lines.twice(ctx, scriptPart, keys, args...)
	if err != nil {
		s.cache.drop(id)
		return PartOutcome{}, err
	}
	out, err := s.partOutcome(&p, asList(reply))
	if err != nil && out.Kind == PartFull && !p.Over { // what cannot be read cannot be joined: it holds nobody up
		p.Over = true
		return s.KeepPart(ctx, p)
	}
	return out, err
}

func (s *Store) partOutcome(p *Part, l []any) (PartOutcome, error) {
	id := p.Citizen.ID
	out := PartOutcome{Kind: PartKind(asInt(l, 0)), Citizen: p.Citizen}
	switch out.Kind {
	case PartLate:
		return out, nil
	case PartStale:
		stands, err := s.citizen(id, asStrings(l[1:]))
		if errors.Is(err, ErrNotFound) { // erased meanwhile
			stands, err = s.newCitizen(id, p.Citizen.Number)
		}
		if err != nil {
			s.cache.drop(id)
			return PartOutcome{}, notKept(err)
		}
		s.cache.put(stands)
		out.Citizen = stands
		return out, nil
	case PartKept, PartDuplicate, PartWhole, PartGap, PartConflict, PartFull:
	default:
		return PartOutcome{}, unknown(errors.New("the segment script gave an answer that this version does not know"))
	}
	version, _ := strconv.ParseUint(asString(l[1]), 10, 64)
	if p.Citizen.Version == 0 && version == 1 { // it stands now, with nothing but its key
		out.Citizen.Version = 1
		s.cache.put(out.Citizen)
	}
	name := p.groupName()
	if out.Kind == PartFull {
		name = asString(l[3])
	}
	var err error
	out.Group, err = readGroup(out.Citizen, GroupRef{Citizen: id, Key: name}, asMap(asList(l[2])))
	if err != nil {
		return PartOutcome{Kind: out.Kind}, notKept(err)
	}
	return out, nil
}

// Group reads a group; false where it does not stand.
func (s *Store) Group(ctx context.Context, ref GroupRef) (Group, bool, error) {
	reply, err := s.lines.do(ctx, scriptRead, []string{groupKey(ref.Citizen, ref.Key)}, ref.Citizen.Hash)
	if err != nil {
		return Group{}, false, fmt.Errorf("read group of segments: %w", err)
	}
	l := asList(reply)
	if len(l) < 2 || len(asList(l[0])) == 0 {
		return Group{}, false, nil
	}
	c, err := s.citizen(ref.Citizen, asStrings(asList(l[1]))[1:])
	if errors.Is(err, ErrNotFound) {
		return Group{}, false, nil // erased: its parts open no more
	}
	if err != nil {
		return Group{}, false, err
	}
	g, err := readGroup(c, ref, asMap(asList(l[0])))
	return g, err == nil, err
}

// readGroup unseals what stands of a group.
func readGroup(c Citizen, ref GroupRef, f map[string]string) (Group, error) {
	key := groupKey(ref.Citizen, ref.Key)
	g := Group{Ref: ref, Citizen: c, Parts: map[int][]byte{}, First: fromMillis(f["fi"]), Joined: f["j"] == "1", JoinedField: f["jf"]}
	g.Total, _ = strconv.Atoi(f["to"])
	g.Version, _ = strconv.ParseInt(f["v"], 10, 64)
	g.JoinedTicket, _ = strconv.ParseUint(f["jt"], 10, 64)
	for field, v := range f {
		n, err := strconv.Atoi(strings.TrimPrefix(field, "p"))
		if err != nil || field[0] != 'p' {
			continue
		}
		if g.Parts[n], err = c.key.unseal(key, field, []byte(v)); err != nil {
			return g, err
		}
	}
	return g, nil
}
