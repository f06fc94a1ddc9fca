package smpp_test

import (
	"context"
	"errors"
	"fmt"
	"net"

	"aduan/smpp"
	"aduan/smpp/smsc"
)

// clerk keeps what comes and acknowledges it only then.
type clerk struct{ kept chan string }

func (c clerk) Deliver(d *smpp.Delivery) {
	_, text := d.Message.Content()
	c.kept <- string(text)    // a daemon commits here, on a goroutine of its own
	d.Respond(smpp.StatusROK) // acknowledged means kept
}
func (clerk) Proven([]*smpp.Delivery) {} // these ROKs were surely read
func (clerk) SessionClosed(string)    {}

// A link to the simulator: a citizen's text comes in, an answer goes out.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	exchange := smsc.New(smsc.Options{SystemID: "aduan", Password: "secret"})
	c := clerk{kept: make(chan string, 1)}
	link, err := smpp.NewLink(smpp.LinkOptions{
		Name: "main", Address: ln.Addr().String(), SystemID: "aduan", Password: "secret", Handler: c,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan error, 2)
	go func() { ended <- exchange.Run(ctx, ln) }()
	go func() { ended <- link.Run(ctx) }()

	phone := exchange.Phone("628111000111")
	phone.Send("1708", "LAPOR jalan rusak")
	fmt.Println("kept:", <-c.kept)

	slot, err := link.Acquire(ctx) // a place in the window
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := slot.Submit(ctx, &smpp.Message{
		Source:       smpp.Address{TON: 3, Addr: "1708"},
		Destination:  smpp.Address{TON: 1, NPI: 1, Addr: "628111000111"},
		ShortMessage: []byte("Laporan 4821-3769 kami terima."),
	})
	slot.Release() // when the outcome is stored
	switch {
	case errors.Is(err, smpp.ErrNotWritten):
		fmt.Println("nothing went out: try again")
	case errors.Is(err, smpp.ErrNoResponse):
		fmt.Println("outcome unknown: better twice than never")
	case err == nil:
		fmt.Println("submitted:", answer.Status)
	}
	inbox, err := phone.WaitSMS(ctx, 1)
	if err == nil {
		fmt.Println("the phone reads:", inbox[0].Text)
	}
	cancel()
	<-ended
	<-ended
	// Output:
	// kept: LAPOR jalan rusak
	// submitted: ESME_ROK
	// the phone reads: Laporan 4821-3769 kami terima.
}
