package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"aduan/smpp"
	"aduan/smpp/segment"
)

// Link says which link is to be tried, and how.
type Link struct {
	Name                     string
	Address                  string // host:port
	SystemID, Password       string
	SystemType, AddressRange string
	ServiceType              string
	Source, Destination      smpp.Address                // TON and NPI; Source's Addr: the short code
	Wire                     segment.Wire                // how texts are written
	Pair                     bool                        // a transmitter and a receiver
	Exclusive                bool                        // one daemon holds the only bind
	TLS                      func() (*tls.Config, error) // nil: plain TCP
	Timeout                  time.Duration               // of each step; 0: 10 s
	Holders                  []string                    // daemons that are bound on it now, in words
	Known                    string                      // what receipts have shown before, in words; "": nothing
	Send                     *Send                       // one SMS; nil: none
	Resolve                  func(ctx context.Context, host string) ([]string, error)
	Dial                     func(ctx context.Context, network, address string) (net.Conn, error)
	Now                      func() time.Time
}

// enquiries is how often enquire_link is tried: its answer times tell the way's.
const enquiries = 3

// CheckLink tries a link step by step, and stops where a step fails.
func CheckLink(ctx context.Context, l Link, tell Tell) Part {
	if l.Timeout <= 0 {
		l.Timeout = 10 * time.Second
	}
	x := newExaminer("link "+l.Name, l.Address, tell, l.Now)
	e := newESME(l.Timeout, x.now)
	defer e.close()
	if l.Known != "" {
		x.learn("earlier receipts", l.Known)
	}
	if l.Exclusive && len(l.Holders) > 0 {
		x.step(x.now(), Step{
			Name: "bind", Result: Skipped,
			Detail: "not tried: the operator allows one bind (exclusive), and " + strings.Join(l.Holders, ", ") + "; a second one could end it",
			Do:     "see aduan status; stop that daemon to try the link itself",
		})
		return x.part
	}
	tx, rx := x.bound(ctx, e, l)
	if tx == nil {
		return x.part
	}
	x.enquire(ctx, e, tx, rx)
	if l.Send != nil && x.part.Kind == Sound {
		x.send(ctx, e, tx, l)
	}
	began := x.now()
	e.leave(ctx)
	x.step(began, Step{Name: "unbind", Result: OK, Detail: "left in good order"})
	if e.put > 0 {
		x.learn("messages of others", fmt.Sprintf("%d came meanwhile and were put off (ESME_RX_T_APPN): the operator sends them again, to the daemon", e.put))
	}
	return x.part
}

// bound makes the connections and binds them; nil: a step failed, or was as it had to be.
func (x *examiner) bound(ctx context.Context, e *esme, l Link) (tx, rx *conn) {
	n := network{Resolve: l.Resolve, Dial: l.Dial}
	end := endpoint{address: l.Address, secure: l.TLS != nil, tls: l.TLS, timeout: l.Timeout, peer: "the operator"}
	raw := x.connect(ctx, n, end)
	if raw == nil {
		return nil, nil
	}
	if l.TLS == nil {
		x.step(x.now(), Step{Name: "tls", Result: Skipped, Detail: "not configured: password and texts pass unencrypted; fine inside a VPN"})
	}
	c := e.add(raw)
	if !l.Pair {
		if !x.bind(ctx, e, c, l, smpp.CmdBindTransceiver) {
			return nil, nil
		}
		return c, c
	}
	if !x.bind(ctx, e, c, l, smpp.CmdBindTransmitter) {
		return nil, nil
	}
	second := x.connect(ctx, n, end)
	if second == nil {
		return nil, nil
	}
	r := e.add(second)
	if !x.bind(ctx, e, r, l, smpp.CmdBindReceiver) {
		return nil, nil
	}
	return c, r
}

// bind is the step of one bind.
func (x *examiner) bind(ctx context.Context, e *esme, c *conn, l Link, id smpp.CommandID) bool {
	began, name := x.now(), id.String()
	h, frame, err := e.request(ctx, c, func(seq uint32) ([]byte, error) {
		return smpp.AppendBind(nil, seq, &smpp.Bind{
			ID: id, SystemID: l.SystemID, Password: l.Password, SystemType: l.SystemType, AddressRange: l.AddressRange,
		})
	})
	var bad *smpp.PDUError
	switch {
	case errors.As(err, &bad):
		x.fail(began, Invalid, Step{Name: name, Detail: bad.Field + ": " + bad.What, Do: "correct it in the configuration"})
		return false
	case errors.Is(err, errSilent):
		x.fail(began, Unreachable, Step{Name: name, Detail: fmt.Sprintf("the operator took the connection and did not answer the bind within %s", l.Timeout), Do: silentBind.do, Ask: silentBind.ask})
		return false
	case err != nil:
		s := Step{Name: name, Detail: "the operator closed the connection instead of answering the bind", Do: closedBind.do, Ask: closedBind.ask}
		if words := smpp.AlertWords(err, x.now()); words != "" {
			s.Detail, s.Do, _ = strings.Cut(words, ": ")
			s.Ask = askTLS
		}
		x.fail(began, Unreachable, s)
		return false
	}
	if h.Status == smpp.StatusRALYBND && len(l.Holders) > 0 {
		s := refusedBind(name, h.Status)
		s.Result = Warning
		s.Detail += "; that is as it has to be where the operator allows no more binds: " + strings.Join(l.Holders, ", ") + ". It says nothing against the link"
		s.Do = "see aduan status for the link as the daemon has it; stop the daemon to try the link itself"
		x.step(began, s)
		return false
	}
	if h.Status != smpp.StatusROK {
		x.fail(began, Unreachable, refusedBind(name, h.Status))
		return false
	}
	who, version := "", "3.3 by the book, often 3.4 (it does not say)"
	if resp, err := smpp.DecodeBindResp(frame); err == nil && resp != nil {
		who = resp.SystemID
		if v, ok := resp.TLVs.Uint8(smpp.TagSCInterfaceVersion); ok {
			version = fmt.Sprintf("%d.%d", v>>4, v&15)
		}
	}
	x.step(began, Step{Name: name, Result: OK, Detail: fmt.Sprintf("bound to %q, SMPP %s", who, version)})
	if id != smpp.CmdBindReceiver {
		x.learn("SMSC", fmt.Sprintf("%q, SMPP %s", who, version))
		x.learn("answer time of bind", x.since(began))
	}
	return true
}

func (x *examiner) since(began time.Time) string { return inMillis(x.now().Sub(began)) }

func inMillis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

// enquire is the step "enquire_link".
func (x *examiner) enquire(ctx context.Context, e *esme, conns ...*conn) {
	began := x.now()
	var took []time.Duration
	for _, c := range slices.Compact(conns) {
		for range enquiries {
			asked := x.now()
			h, _, err := e.request(ctx, c, func(seq uint32) ([]byte, error) {
				return smpp.AppendHeader(nil, smpp.CmdEnquireLink, smpp.StatusROK, seq), nil
			})
			if err != nil || h.ID != smpp.CmdEnquireLinkResp {
				s := Step{Name: "enquire_link", Detail: "not answered: " + said(err, h), Do: "raise response_timeout if the way is slow", Ask: "does the SMSC answer enquire_link, and after how long in silence does it close?"}
				x.fail(began, Unreachable, s)
				return
			}
			took = append(took, x.now().Sub(asked))
		}
	}
	slices.Sort(took)
	x.step(began, Step{Name: "enquire_link", Result: OK, Detail: fmt.Sprintf("%d answered", len(took))})
	x.learn("answer times of enquire_link", fmt.Sprintf("%s to %s, median %s", inMillis(took[0]), inMillis(took[len(took)-1]), inMillis(took[len(took)/2])))
}

func said(err error, h smpp.Header) string {
	if err != nil {
		return err.Error()
	}
	return h.ID.String() + " " + h.Status.String()
}
