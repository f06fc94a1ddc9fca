package phone_test

import (
	"context"
	"net"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"aduan/internal/phone"
	"aduan/smpp"
	"aduan/smpp/smsc"
)

// scripted binds over TCP, acknowledges what comes and sends one SMS to its sender.
func scripted(conn net.Conn, answer string) error {
	bind, err := smpp.AppendBind(nil, 1, &smpp.Bind{ID: smpp.CmdBindTransceiver, SystemID: "aduan", InterfaceVersion: 0x34})
	if err != nil {
		return err
	}
	if _, err := conn.Write(bind); err != nil {
		return err
	}
	frames := smpp.NewFrameReader(conn, 0)
	for {
		frame, err := frames.Next()
		if err != nil {
			return nil // the simulator ended
		}
		h := smpp.ParseHeader(frame)
		if h.ID != smpp.CmdDeliverSM {
			continue
		}
		in, err := smpp.DecodeMessage(frame)
		if err != nil {
			return err
		}
		out, err := smpp.AppendResp(nil, smpp.CmdDeliverSMResp, smpp.StatusROK, h.Seq, "")
		if err != nil {
			return err
		}
		out, err = smpp.AppendMessage(out, smpp.CmdSubmitSM, 2, &smpp.Message{
			Source: in.Destination, Destination: in.Source, ShortMessage: []byte(answer),
		})
		if err != nil {
			return err
		}
		if _, err := conn.Write(out); err != nil {
			return err
		}
	}
}

func TestTelephonesOfARealSimulator(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := smsc.New(smsc.Options{})
	g, ctx := errgroup.WithContext(ctx)
	run, stop := context.WithCancel(ctx)
	g.Go(func() error { return srv.Run(run, ln) })
	op := phone.Of(srv)
	tel := op.Telephone("6281200000001")
	sent := tel.Send("1708", "LAPOR jalan rusak")
	if p := sent.Progress(); p != phone.Waiting {
		t.Errorf("nobody is bound, but the SMS is %s", p)
	}
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	g.Go(func() error { return scripted(conn, "nomor 4821-3769") })
	if _, err := srv.Phone("6281200000001").WaitSMS(ctx, 1); err != nil {
		t.Fatal(err)
	}
	news := tel.News()
	if len(news) != 1 || news[0].Text != "nomor 4821-3769" || news[0].From != "1708" || news[0].Alphabet != "gsm7" || news[0].Segments != 1 {
		t.Errorf("news: %+v", news)
	}
	if p := sent.Progress(); p != phone.Acknowledged {
		t.Errorf("acknowledged, but the SMS is %s", p)
	}
	if again := tel.News(); len(again) != 0 {
		t.Errorf("told twice: %+v", again)
	}
	if op.Sessions() != 1 {
		t.Errorf("%d sessions", op.Sessions())
	}
	stop()
	_ = conn.Close()
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		t.Errorf("%v", err)
	}
}
