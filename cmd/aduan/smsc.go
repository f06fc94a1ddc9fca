package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"aduan/internal/telemetry"
	"aduan/smpp/smsc"
)

func newSMSC() *cobra.Command {
	var listen, systemID, password string
	cmd := &cobra.Command{
		Use:   "smsc",
		Short: "The SMSC simulator alone, for any SMPP client",
		Long: `Runs a simulated SMSC that any ESME may bind to: it takes submit_sm, sends
delivery receipts and answers enquire_link. Lines on standard input are texts
from telephones:

    6281234567890 LAPOR jalan rusak di depan pasar Minggu

is sent from 6281234567890 to the short code. What telephones get, and what
becomes of their texts, is printed as a JSON object a line.`,
		Args: usageArgs(cobra.NoArgs),
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:2775", "address to listen on")
	cmd.Flags().StringVar(&systemID, "system-id", "", "system_id that a bind must give (default: any)")
	cmd.Flags().StringVar(&password, "password", "", "password that a bind must give (default: any)")
	shortCode := cmd.Flags().String("short-code", "1708", "where texts from standard input go")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		log, _, err := telemetry.NewLog(telemetry.LogOptions{})
		if err != nil {
			return err
		}
		return runSMSC(cmd.Context(), listen, *shortCode, smsc.Options{SystemID: systemID, Password: password, Log: log}, cmd.InOrStdin(), cmd.OutOrStdout(), log)
	}
	return cmd
}

func runSMSC(ctx context.Context, listen, shortCode string, o smsc.Options, in io.Reader, out io.Writer, log *zap.Logger) error {
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("smsc: %w; choose another address with --listen", err)
	}
	printer := &eventPrinter{enc: json.NewEncoder(out)}
	o.OnEvent = printer.print
	server := smsc.New(o)
	log.Info("SMSC simulator listens", zap.String("address", ln.Addr().String()))
	go readTexts(in, shortCode, server, log) // ends with its input, or with the process
	return server.Run(ctx, ln)
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
