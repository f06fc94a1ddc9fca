package smsc_test

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sync/errgroup"

	"aduan/smpp/smsc"
)

func Example() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := smsc.New(smsc.Options{SystemID: "aduan", Password: "secret"})
	ctx, stop := context.WithCancel(context.Background())
	var g errgroup.Group
	g.Go(func() error { return server.Run(ctx, ln) })

	o := server.Phone("6281234567123").Send("1708", "LAPOR jalan rusak “parah”")
	state, _ := o.State()
	fmt.Println(o.Alphabet, o.Segments, state) // waits for an ESME to bind

	stop()
	fmt.Println(g.Wait())
	// Output:
	// gsm7 1 queued
	// <nil>
}
