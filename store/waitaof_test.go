package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"aduan/store"
	"aduan/store/storetest"
)

// newer stands before a Redis that has no WAITAOF and lends it one (Redis 7.2: WAITAOF numlocal numreplicas timeout, answered
// by the two counts), made of its WAIT.
type newer struct {
	addr  string
	old   atomic.Bool  // it has none after all
	local atomic.Int64 // the first count
	asked atomic.Int64 // how often for replicas
}

func startNewer(t *testing.T, target string) *newer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &newer{addr: ln.Addr().String()}
	n.local.Store(1)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				_ = client.Close()
				continue
			}
			lent := make(chan string, 10000) // of each command: what stands before its answer; "-…": instead of it
			all.Go(func() { n.commands(server, client, lent) })
			all.Go(func() { n.answers(client, server, lent) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); all.Wait() }) // after the store has closed its connections
	return n
}

// commands hands on what the client asks.
func (n *newer) commands(server, client net.Conn, lent chan<- string) {
	defer func() { close(lent); _ = server.Close() }()
	in := bufio.NewReader(client)
	for {
		var args []string
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		count, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
		for range count {
			head, err := in.ReadString('\n')
			if err != nil {
				return
			}
			size, _ := strconv.Atoi(strings.TrimSpace(head[1:]))
			b := make([]byte, size+2)
			if _, err := io.ReadFull(in, b); err != nil {
				return
			}
			args = append(args, string(b[:size]))
		}
		before := ""
		if strings.EqualFold(args[0], "WAITAOF") && len(args) == 4 {
			if args[2] != "0" {
				n.asked.Add(1)
			}
			before = fmt.Sprintf("*2\r\n:%d\r\n", n.local.Load())
			if n.old.Load() {
				before = "-ERR unknown command 'WAITAOF'\r\n"
			}
			args = []string{"WAIT", args[2], args[3]}
		}
		lent <- before
		out := fmt.Sprintf("*%d\r\n", len(args))
		for _, a := range args {
			out += fmt.Sprintf("$%d\r\n%s\r\n", len(a), a)
		}
		if _, err := io.WriteString(server, out); err != nil {
			return
		}
	}
}

// answers hands on what the server answers.
func (n *newer) answers(client, server net.Conn, lent <-chan string) {
	defer func() { _ = client.Close(); _ = server.Close() }()
	in := bufio.NewReader(server)
	for before := range lent {
		answer, err := wholeAnswer(in)
		if err != nil {
			return
		}
		if strings.HasPrefix(before, "-") {
			answer, before = before, ""
		}
		if _, err := io.WriteString(client, before+answer); err != nil {
			return
		}
	}
}

func wholeAnswer(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	size, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
	switch line[0] {
	case '$':
		b := make([]byte, max(size+2, 0))
		if size < 0 {
			b = nil
		}
		_, err := io.ReadFull(in, b)
		return line + string(b), err
	case '*':
		for range size {
			part, err := wholeAnswer(in)
			if err != nil {
				return "", err
			}
			line += part
		}
	}
	return line, nil
}

// Where the server has WAITAOF and each commit must be synced, the replicas must have synced it too, and the promise says so;
// a server that has none after all is asked as before.
func TestReplicasAreAskedForTheirDisks(t *testing.T) {
	m, _ := followed(t)
	n := startNewer(t, m.Addr())
	o := storetest.Config(t, m)
	o.Addresses, o.Replicas = []string{n.addr}, 1
	s := storetest.OpenWith(t, o)
	if p := s.Promise(); !strings.Contains(p, "and 1 replica has it on its own.") {
		t.Errorf("it promises %q", p)
	}
	before := n.asked.Load()
	if err := keepOne(t.Context(), s, 1); err != nil || n.asked.Load() == before {
		t.Errorf("a commit: %v, and the disks were asked for %d times", err, n.asked.Load()-before)
	}
	n.local.Store(0)
	if err := keepOne(t.Context(), s, 2); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("a commit that the server itself has not synced: %v", err)
	}
	n.local.Store(1)
	n.old.Store(true)
	if err := keepOne(t.Context(), s, 3); err != nil && !errors.Is(err, store.ErrUnknown) {
		t.Errorf("a commit to a server that is older than the one looked at: %v", err)
	}
	before = n.asked.Load()
	if err := keepOne(t.Context(), s, 4); err != nil || n.asked.Load() != before {
		t.Errorf("the next: %v, and the disks were asked for %d times", err, n.asked.Load()-before)
	}
	healthIs(t, s, true, "")
}
