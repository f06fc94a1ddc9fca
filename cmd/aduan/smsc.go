package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"aduan/internal/telemetry"
	"aduan/smpp/smsc"
)

func newSMSC() *cobra.Command {
	var listen, shortCode string
	story := &smscStory{}
	cmd := &cobra.Command{
		Use:   "smsc",
		Short: "The SMSC simulator alone, for any SMPP client",
		Long: `Runs a simulated SMSC that any ESME may bind to: it takes submit_sm, sends
delivery receipts and answers enquire_link. Lines on standard input are texts
from telephones:

    6281234567890 LAPOR jalan rusak di depan pasar Minggu

is sent from 6281234567890 to the short code. What telephones get, and what
becomes of their texts, is printed as a JSON object a line.

It tells the stories of the field: a script (--script FILE, docs/simulator.md)
says what goes wrong when, and so does each flag whose help begins with
"script:". Its value is now, or KEY=VALUE,… of

    at=5s               since the start, or since after
    after=submit_sm:10  once so many have come (deliver_sm: gone); also bind, bound
    for=30s             then it ends; without it, it lasts

and of the keys that its help names. Such a flag may be given several times.`,
		Example: `  aduan smsc --half-open at=20s
  aduan smsc --refuse-binds at=10s,for=1m,status=ESME_RALYBND --reset at=10s
  aduan smsc --message-id hex --receipt-id padded --receipts-first by=2s
  aduan smsc --swallow-submit-resps after=submit_sm:5,count=3 --seed 1
  aduan smsc --script incident.yaml`,
		Args: usageArgs(cobra.NoArgs),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:2775", "address to listen on")
	cmd.Flags().StringVar(&shortCode, "short-code", "1708", "where texts from standard input go")
	story.flags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		log, _, err := telemetry.NewLog(telemetry.LogOptions{})
		if err != nil {
			return err
		}
		o, err := story.options()
		if err != nil {
			return err
		}
		o.Log = log
		story.towards(shortCode)
		return runSMSC(cmd.Context(), listen, shortCode, o, story.steps, cmd.InOrStdin(), cmd.OutOrStdout(), log)
	}
	return cmd
}

func runSMSC(ctx context.Context, listen, shortCode string, o smsc.Options, steps []smsc.Step, in io.Reader, out io.Writer, log *zap.Logger) error {
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("smsc: %w; choose another address with --listen", err)
	}
	printer := &eventPrinter{enc: json.NewEncoder(out)}
	o.OnEvent = printer.print
	server := smsc.New(o)
	log.Info("SMSC simulator listens", zap.String("address", ln.Addr().String()))
	go readTexts(in, shortCode, server, log) // ends with its input, or with the process
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var g errgroup.Group
	g.Go(func() error {
		if err := server.Play(ctx, steps); errors.Is(err, smsc.ErrEnd) {
			stop()
		}
		return nil
	})
	g.Go(func() error {
		defer stop()
		return server.Run(ctx, ln)
	})
	return g.Wait()
}

// readTexts sends each line of in from the telephone that it begins with.
func readTexts(in io.Reader, shortCode string, server *smsc.Server, log *zap.Logger) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		number, text, ok := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		number = strings.TrimPrefix(number, "+")
		if !ok || strings.Trim(number, "0123456789") != "" || number == "" {
			log.Warn("a line of input is not NUMBER TEXT; it is ignored")
			continue
		}
		server.Phone(number).Send(shortCode, text)
	}
}

// eventPrinter writes the simulator's events as JSON lines.
type eventPrinter struct {
	mu  sync.Mutex // guards enc
	enc *json.Encoder
}

// eventLine is one of them. The simulator's telephones are not real ones, so
// their numbers and texts are shown.
type eventLine struct {
	At       time.Time `json:"at"`
	Event    string    `json:"event"`
	Phone    string    `json:"phone,omitempty"`
	From     string    `json:"from,omitempty"`
	Text     string    `json:"text,omitempty"`
	Alphabet string    `json:"alphabet,omitempty"`
	Segments int       `json:"segments,omitempty"`
	State    string    `json:"state,omitempty"`
	Status   string    `json:"status,omitempty"`
	Session  string    `json:"session,omitempty"`
	SystemID string    `json:"system_id,omitempty"`
	Bind     string    `json:"bind,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Sessions *int      `json:"sessions,omitempty"`
}

func (p *eventPrinter) print(e smsc.Event) {
	line := eventLine{At: e.At.UTC(), Event: e.Kind.String(), Phone: e.Phone, Session: e.Session, SystemID: e.SystemID, Reason: e.Reason}
	switch e.Kind {
	case smsc.EventSMS:
		line.From, line.Text, line.Alphabet, line.Segments = e.SMS.From, e.SMS.Text, e.SMS.Alphabet, e.SMS.Segments
	case smsc.EventOutgoing:
		line.Text, line.Alphabet, line.Segments = e.Outgoing.Text, e.Outgoing.Alphabet, e.Outgoing.Segments
		line.State, line.Status = e.State.String(), e.Status.String()
	case smsc.EventBound, smsc.EventUnbound:
		line.Bind, line.Sessions = e.Bind.String(), &e.Sessions
	case smsc.EventRefused:
		line.Bind, line.Status = e.Bind.String(), e.Status.String()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.enc.Encode(line) // a reader that went away is no matter of ours
}
