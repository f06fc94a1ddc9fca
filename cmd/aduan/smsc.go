package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
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
	go readTexts(in, shortCode, server) // ends with its input, or with the process
	return server.Run(ctx, ln)
}

// eventPrinter writes the simulator's events as JSON lines.
type eventPrinter struct {
	mu  sync.Mutex // guards enc
	enc *json.Encoder
}

func (p *eventPrinter) print(e smsc.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.enc.Encode(struct {
		At time.Time `json:"at"`
		smsc.Event
	}{time.Now().UTC(), e}) // a reader that went away is no matter of ours
}
