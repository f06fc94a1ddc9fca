package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"aduan/store"
)

// StoreCheck says which store is to be looked at.
type StoreCheck struct {
	Options store.Options
	Where   string        // as people know it
	Timeout time.Duration // of each step of the network; 0: 3 s
	Resolve func(ctx context.Context, host string) ([]string, error)
	Now     func() time.Time
}

// CheckStore looks at the store step by step.
func CheckStore(ctx context.Context, c StoreCheck, tell Tell) Part {
	if c.Timeout <= 0 {
		c.Timeout = 3 * time.Second
	}
	x := newExaminer("store", c.Where, tell, c.Now)
	if c.Options.Mode == store.ModeExternal && !x.reach(ctx, c) {
		return x.part
	}
	began := x.now()
	err := store.Examine(ctx, c.Options, func(e store.Examination) {
		x.examined(began, e)
		began = x.now()
	})
	if err != nil {
		x.fail(began, Invalid, Step{Name: "open", Detail: err.Error()})
	}
	return x.part
}

// reach is the steps of the network, to each address that is named; one that answers is enough where there are several.
func (x *examiner) reach(ctx context.Context, c StoreCheck) bool {
	reached := 0
	for _, a := range c.Options.Addresses {
		if path, local := strings.CutPrefix(a, "unix:"); local {
			began := x.now()
			conn, err := (&net.Dialer{Timeout: c.Timeout}).DialContext(ctx, "unix", path)
			if err != nil {
				x.fail(began, Unreachable, Step{Name: "socket", Detail: err.Error(), Do: "is redis-server running, and may this user open its socket?"})
				return false
			}
			_ = conn.Close()
			x.step(began, Step{Name: "socket", Result: OK, Detail: path})
			return true
		}
		e := endpoint{address: a, secure: c.Options.TLS != nil, tls: func() (*tls.Config, error) { return c.Options.TLS, nil }, timeout: c.Timeout, peer: "the store"}
		if conn := x.connect(ctx, network{Resolve: c.Resolve}, e); conn != nil {
			_ = conn.Close()
			reached++
		}
	}
	if reached > 0 && reached < len(c.Options.Addresses) {
		x.part.Kind = Sound // the others are enough; their steps tell
	}
	return reached > 0
}

// examined turns what the store found into a step.
func (x *examiner) examined(began time.Time, e store.Examination) {
	s := Step{Name: e.Name, Result: OK, Detail: e.Detail}
	switch {
	case e.Err == nil && e.Note:
		s.Result = Warning
	case e.Err == nil:
	case errors.Is(e.Err, store.ErrDamaged):
		x.fail(began, Damaged, Step{Name: e.Name, Detail: fmt.Sprintf("%s: %v", e.Detail, e.Err), Do: "compare them with a backup; nothing is repaired unasked"})
		return
	case errors.Is(e.Err, store.ErrWeaker), errors.Is(e.Err, store.ErrOtherKey), errors.Is(e.Err, store.ErrSchema):
		x.fail(began, Invalid, Step{Name: e.Name, Detail: e.Err.Error()})
		return
	default:
		x.fail(began, Unreachable, Step{Name: e.Name, Detail: strings.TrimPrefix(e.Err.Error(), store.ErrNotKept.Error()+": ")})
		return
	}
	x.step(began, s)
}
