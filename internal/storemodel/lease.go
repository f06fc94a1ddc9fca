package storemodel

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"aduan/store"
)

// lease is one in Redis.
type lease struct {
	by    string // "": nobody holds it
	count int
}

// LineLease is a lease on this server, by the store's own rules. A daemon that stands still gets no answer.
func (s *Store) LineLease(name string, takeover time.Duration) *store.LineLease {
	return store.LeaseAsk(s.lease).LineLease(name, s.BootID(), takeover)
}

// lease is lease.lua.
func (s *Store) lease(ctx context.Context, key, who, seenBy, seenCount string, give bool) (mine bool, by, count string, err error) {
	frozen := false
	s.r.locked(func() { frozen = s.boot.frozen })
	if frozen {
		<-ctx.Done()
		return false, "", "", fmt.Errorf("lease: %w", ctx.Err())
	}
	type answer struct {
		mine      bool
		by, count string
	}
	a := &answer{} // which a script that runs late may still write to
	err = s.do(ctx, "lease", func() {
		l := s.r.leases[key]
		if l == nil {
			l = &lease{}
			s.r.leases[key] = l
		}
		switch {
		case give && l.by == who:
			delete(s.r.leases, key)
		case give:
		case l.by == "" || l.by == who || l.by == seenBy && strconv.Itoa(l.count) == seenCount:
			l.by = who
			l.count++
			a.mine = true
		default:
			a.by, a.count = l.by, strconv.Itoa(l.count)
		}
	})
	if err != nil {
		return false, "", "", fmt.Errorf("lease: %w", err)
	}
	return a.mine, a.by, a.count, nil
}
