package bench_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"aduan/smpp"
)

// The PDUs of the generator (SMPP 3.4 §5.1.2.1).
const (
	deliverSM       = 0x00000005
	submitSM        = 0x00000004
	enquireLink     = 0x00000015
	bindTransceiver = 0x00000009
	unbind          = 0x00000006
	response        = 0x80000000
	headerLen       = 16
)

// generator is an SMSC that costs next to nothing: one goroutine reads and answers, PDUs are patched templates, and what
// one read brought is answered by one write. Message i comes from citizen i, so that no two share a lane or a state.
type generator struct {
	ln net.Listener

	mu       sync.Mutex // guards all below
	conn     net.Conn
	out      []byte
	keep     int       // so many are kept outstanding; 0: none is sent by the reader
	until    time.Time // the reader sends none after it
	sent     []int64   // by message: when it was written, ns since begin
	acked    []int64   // when it was acknowledged; 0: not yet
	answered []int64   // when its SMS came; 0: not yet
	acks     int
	sms      int
	twice    int // SMS that came again
	refused  int // deliver_sm_resp that were not ESME_ROK
	ids      uint64
	bound    chan struct{}
	begin    time.Time
	template []byte
	flood    *flood   // of receipts; nil: ids are not noted and none is sent
	named    []string // ticket numbers that new SMS named, where naming
	naming   bool
}

// Where the template is patched: source number's last digits, the text's last letters.
var sourceAt, textAt int

const (
	numberPrefix = "62812" // an Indonesian mobile number, 13 digits in all
	numberDigits = 8
	text         = "LAPOR jalan rusak di depan pasar Minggu, tanda "
)

func newGenerator(b *testing.B) *generator {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	g := &generator{ln: ln, bound: make(chan struct{}), begin: time.Now()}
	g.template, err = smpp.AppendMessage(nil, smpp.CmdDeliverSM, 1, &smpp.Message{
		Source: smpp.Address{TON: 1, NPI: 1, Addr: numberPrefix + "00000000"}, Destination: smpp.Address{TON: 3, Addr: "1708"},
		ShortMessage: []byte(text + "aaaaaaaa"),
	})
	if err != nil {
		b.Fatal(err)
	}
	sourceAt = headerLen + 1 + 2 + len(numberPrefix)
	textAt = len(g.template) - numberDigits
	var done sync.WaitGroup
	done.Go(g.accept)
	b.Cleanup(func() {
		_ = ln.Close()
		g.mu.Lock()
		if g.conn != nil {
			_ = g.conn.Close()
		}
		g.mu.Unlock()
		done.Wait()
	})
	return g
}

func (g *generator) accept() {
	for {
		conn, err := g.ln.Accept()
		if err != nil {
			return
		}
		g.mu.Lock()
		g.conn = conn
		g.out = g.out[:0]
		g.mu.Unlock()
		g.serve(conn)
	}
}

// serve answers one connection until it ends.
func (g *generator) serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // a generator's connection
	r := bufio.NewReaderSize(conn, 64<<10)
	frame := make([]byte, 1024)
	for {
		n, err := g.next(r, frame)
		if err != nil {
			return
		}
		g.mu.Lock()
		g.handle(frame[:n])
		if r.Buffered() < headerLen {
			err = g.flush()
		}
		g.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (g *generator) next(r io.Reader, frame []byte) (int, error) {
	if _, err := io.ReadFull(r, frame[:headerLen]); err != nil {
		return 0, err
	}
	n := int(binary.BigEndian.Uint32(frame))
	if n < headerLen || n > len(frame) {
		return 0, errors.New("a PDU of a length that this generator does not expect")
	}
	_, err := io.ReadFull(r, frame[headerLen:n])
	return n, err
}

// handle answers one PDU into g.out. mu is held.
func (g *generator) handle(f []byte) {
	id, status, seq := binary.BigEndian.Uint32(f[4:]), binary.BigEndian.Uint32(f[8:]), binary.BigEndian.Uint32(f[12:])
	switch id {
	case deliverSM | response:
		if seq >= receiptSeq {
			g.receiptAcked(int(seq-receiptSeq), status)
			return
		}
		g.ack(int(seq)-1, status)
	case submitSM:
		i := g.take(f)
		g.ids++
		if g.naming && i >= 0 {
			if number := numberInText.Find(f); number != nil {
				g.named = append(g.named, string(number))
			}
		}
		if g.flood != nil && i >= 0 {
			g.flood.taken = append(g.flood.taken, accepted{i, g.ids})
		}
		g.answer(id, seq, strconv.FormatUint(messageID|g.ids, 16))
	case bindTransceiver:
		g.answer(id, seq, "bench")
		select {
		case <-g.bound:
		default:
			close(g.bound)
		}
	case enquireLink, unbind:
		g.out = smpp.AppendHeader(g.out, smpp.CommandID(id|response), 0, seq)
	}
}

func (g *generator) answer(id, seq uint32, body string) {
	g.out = binary.BigEndian.AppendUint32(g.out, uint32(headerLen+len(body)+1))
	g.out = binary.BigEndian.AppendUint32(g.out, id|response)
	g.out = binary.BigEndian.AppendUint32(g.out, 0)
	g.out = binary.BigEndian.AppendUint32(g.out, seq)
	g.out = append(append(g.out, body...), 0)
}

func (g *generator) ack(i int, status uint32) {
	if i < 0 || i >= len(g.acked) || g.acked[i] != 0 {
		return
	}
	now := time.Now()
	if status != 0 {
		g.refused++
	}
	g.acked[i] = now.Sub(g.begin).Nanoseconds()
	g.acks++
	if g.keep > 0 && now.Before(g.until) && len(g.sent)-g.acks < g.keep {
		g.send(now)
	}
}

// take notes an SMS, and gives the message that it answers, -1 none: whose it is stands in its destination.
func (g *generator) take(f []byte) int {
	at := headerLen
	skip := func() {
		for at < len(f) && f[at] != 0 {
			at++
		}
		at++
	}
	skip() // service_type
	at += 2
	skip() // source_addr
	at += 2
	from := at
	skip()
	if at > len(f) || at-1-from != len(numberPrefix)+numberDigits {
		return -1
	}
	i, err := strconv.Atoi(string(f[from+len(numberPrefix) : at-1]))
	if err != nil || i >= len(g.answered) {
		return -1
	}
	if g.answered[i] != 0 {
		g.twice++
		return i
	}
	g.answered[i] = time.Since(g.begin).Nanoseconds()
	g.sms++
	return i
}

// send appends the next message; its time is when it was to be sent. mu is held.
func (g *generator) send(at time.Time) {
	i := len(g.sent)
	from := len(g.out)
	g.out = append(g.out, g.template...)
	f := g.out[from:]
	binary.BigEndian.PutUint32(f[12:], uint32(i+1))
	for k, n := numberDigits-1, i; k >= 0; k, n = k-1, n/10 {
		f[sourceAt+k] = '0' + byte(n%10)
		f[textAt+k] = 'a' + byte(n%10) // letters: a number could be read as a ticket's
	}
	g.sent = append(g.sent, at.Sub(g.begin).Nanoseconds())
	g.acked = append(g.acked, 0)
	g.answered = append(g.answered, 0)
}

func (g *generator) flush() error {
	if len(g.out) == 0 || g.conn == nil {
		return nil
	}
	_, err := g.conn.Write(g.out)
	g.out = g.out[:0]
	return err
}

// closed keeps so many messages outstanding for d, then waits for all answers.
func (g *generator) closed(b *testing.B, outstanding int, d time.Duration) {
	g.mu.Lock()
	g.keep, g.until = outstanding, time.Now().Add(d)
	for range outstanding {
		g.send(time.Now())
	}
	err := g.flush()
	g.mu.Unlock()
	if err != nil {
		b.Fatal(err)
	}
	time.Sleep(d)
	g.drain(b)
}

// open sends so many messages a second for d, whatever is answered, then waits for all answers.
func (g *generator) open(b *testing.B, rate int, d time.Duration) {
	g.mu.Lock()
	g.keep = 0
	g.mu.Unlock()
	begin := time.Now()
	for k := range rate * int(d/time.Second) {
		at := begin.Add(time.Duration(k) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(at))
		g.mu.Lock()
		g.send(at)
		err := g.flush()
		g.mu.Unlock()
		if err != nil {
			b.Fatal(err)
		}
	}
	g.drain(b)
}

// drain waits until each message has its acknowledgement and its SMS.
func (g *generator) drain(b *testing.B) {
	deadline := time.Now().Add(20 * time.Second)
	for {
		g.mu.Lock()
		sent, acks, sms, refused, twice := len(g.sent), g.acks, g.sms, g.refused, g.twice
		g.mu.Unlock()
		if sent == acks && sent == sms {
			if refused+twice > 0 {
				b.Errorf("%d messages were refused, %d SMS came twice", refused, twice)
			}
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("of %d messages %d were acknowledged (%d refused), %d SMS came", sent, acks, refused, sms)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// position is where a measurement begins or ends.
type position struct {
	at              time.Time
	sent, acks, sms int
}

func (g *generator) position() position {
	g.mu.Lock()
	defer g.mu.Unlock()
	return position{at: time.Now(), sent: len(g.sent), acks: g.acks, sms: g.sms}
}

// latencies of the messages sent between two positions.
func (g *generator) latencies(from, to position) (ack, sms latencies) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := from.sent; i < to.sent; i++ {
		ack = append(ack, time.Duration(g.acked[i]-g.sent[i]))
		sms = append(sms, time.Duration(g.answered[i]-g.sent[i]))
	}
	return ack, sms
}

func (g *generator) waitBound(b *testing.B) {
	select {
	case <-g.bound:
	case <-time.After(15 * time.Second):
		b.Fatal("nobody bound")
	}
}

func (g *generator) String() string { return fmt.Sprint(g.ln.Addr()) }
