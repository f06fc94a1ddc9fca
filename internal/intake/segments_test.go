package intake_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"aduan/smpp"
	"aduan/smpp/segment"
	"aduan/store"
)

const long = "LAPOR jalan rusak di depan pasar Minggu, sudah tiga bulan tidak diperbaiki, lubangnya dalam sekali dan banyak motor jatuh. " +
	"Kemarin tetangga saya masuk rumah sakit karena lubang itu. Mohon segera diperbaiki sebelum ada korban lagi, terima kasih banyak " +
	"atas perhatian bapak dan ibu sekalian di kantor pusat pelayanan."

// parts are the deliver_sm of a long text.
func parts(text string, ref byte) []*smpp.Message {
	enc := segment.Split(text, ref)
	list := make([]*smpp.Message, len(enc.Parts))
	for i := range enc.Parts {
		list[i] = message(0, "")
		list[i].DataCoding, list[i].ShortMessage = enc.DataCoding, enc.Parts[i].Payload()
		if len(enc.Parts[i].UDH) > 0 {
			list[i].ESMClass = 0x40
		}
	}
	return list
}

// cut is a UCS-2 text cut after a number of code units, whatever it cuts through.
func cut(text string, ref byte, at int) []*smpp.Message {
	units := utf16.Encode([]rune(text))
	var list []*smpp.Message
	for n, piece := range [][]uint16{units[:at], units[at:]} {
		m := message(0, "")
		m.ESMClass, m.DataCoding = 0x40, 8
		m.ShortMessage = []byte{5, 0, 3, ref, 2, byte(n + 1)}
		for _, u := range piece {
			m.ShortMessage = binary.BigEndian.AppendUint16(m.ShortMessage, u)
		}
		list = append(list, m)
	}
	return list
}

func TestALongSMSIsOneText(t *testing.T) {
	p := parts(long, 7)
	if len(p) != 3 {
		t.Fatalf("%d parts", len(p))
	}
	emoji := "LAPOR banjir di jalan Melati \U0001F30A\U0001F30A parah sekali"
	sar := parts(long, 7)
	for i, m := range sar {
		_, body := m.Content()
		m.ESMClass, m.ShortMessage = 0, body
		m.TLVs = smpp.TLVs{{Tag: 0x020C, Value: []byte{1, 2}}, {Tag: 0x020E, Value: []byte{3}}, {Tag: 0x020F, Value: []byte{byte(i + 1)}}}
	}
	for name, c := range map[string]struct {
		sent []*smpp.Message
		want string
	}{
		"in order":                    {[]*smpp.Message{p[0], p[1], p[2]}, long},
		"backwards":                   {[]*smpp.Message{p[2], p[1], p[0]}, long},
		"each twice":                  {[]*smpp.Message{p[0], p[0], p[1], p[1], p[2], p[2]}, long},
		"all again":                   {[]*smpp.Message{p[0], p[1], p[2], p[0], p[1], p[2]}, long},
		"cut through a surrogate":     {cut(emoji, 3, 30), emoji},
		"cut so, backwards":           {[]*smpp.Message{cut(emoji, 3, 30)[1], cut(emoji, 3, 30)[0]}, emoji},
		"by SAR TLVs":                 {sar, long},
		"number beyond total: a text": {[]*smpp.Message{beyond()}, complaint},
	} {
		t.Run(name, func(t *testing.T) {
			onLine(t, func(l *line) {
				l.daemon("p", oneDaemon)
				var all []*sent
				for _, m := range c.sent {
					all = append(all, l.smsc.on("A").sendPDU(m))
				}
				time.Sleep(5 * time.Second)
				for i, m := range all {
					if !m.rok() {
						t.Errorf("part %d of %d was not acknowledged", i+1, len(all))
					}
				}
				want(t, l, []string{c.want})
				if n, _ := l.smsc.accepted(); n < 1 || len(l.redis.SMS()) != 1 {
					t.Errorf("%d SMS", len(l.redis.SMS()))
				}
			})
		})
	}
}

func beyond() *smpp.Message {
	m := message(0, complaint)
	m.ESMClass = 0x40
	m.ShortMessage = append([]byte{5, 0, 3, 1, 2, 3}, m.ShortMessage...)
	return m
}

// want compares all tickets' texts.
func want(t *testing.T, l *line, texts ...[]string) {
	t.Helper()
	got := l.redis.Tickets()
	if len(got) != len(texts) {
		t.Errorf("%d tickets, want %d: %q", len(got), len(texts), got)
		return
	}
	for i := range got {
		if strings.Join(got[i], "|") != strings.Join(texts[i], "|") {
			t.Errorf("ticket %d: %q\nwant %q", i+1, got[i], texts[i])
		}
	}
}

func body(m *smpp.Message) string {
	_, b := m.Content()
	text, _ := segment.DecodeText(m.DataCoding, "gsm7", b)
	return text
}

func TestAPartThatStaysAwayLeavesAGapThatALateOneFills(t *testing.T) {
	onLine(t, func(l *line) {
		l.daemon("p", oneDaemon)
		p := parts(long, 7)
		a := l.smsc.on("A")
		first, third := a.sendPDU(p[0]), a.sendPDU(p[2])
		synctest.Wait()
		first.wants(t, smpp.StatusROK)
		third.wants(t, smpp.StatusROK)
		time.Sleep(9 * time.Minute)
		want(t, l)
		time.Sleep(2 * time.Minute)
		want(t, l, []string{body(p[0]) + "[...]" + body(p[2])})
		second := a.sendPDU(p[1])
		time.Sleep(5 * time.Second)
		second.wants(t, smpp.StatusROK)
		want(t, l, []string{body(p[0]) + body(p[1]) + body(p[2])})
		sms := len(l.redis.SMS())
		for _, m := range p { // each again: acknowledged, and nothing else
			again := a.sendPDU(m)
			time.Sleep(5 * time.Second)
			again.wants(t, smpp.StatusROK)
		}
		want(t, l, []string{body(p[0]) + body(p[1]) + body(p[2])})
		if n := len(l.redis.SMS()); n != sms {
			t.Errorf("%d SMS, before %d", n, sms)
		}
	})
}

func TestAReferenceThatIsUsedAgainBeginsANewText(t *testing.T) {
	other := "TAMBAH " + strings.Repeat("lampu jalan juga mati di sana sejak minggu lalu ", 8)
	q := parts(other, 7)
	onLine(t, func(l *line) {
		l.daemon("p", oneDaemon)
		a := l.smsc.on("A")
		all := append(parts(long, 7), q[:3]...)
		for _, m := range all {
			one := a.sendPDU(m)
			time.Sleep(5 * time.Second)
			one.wants(t, smpp.StatusROK)
		}
		if n := l.redis.Turns(phone(0)); n < 3 { // the first part's, and one for each text
			t.Errorf("%d turns", n)
		}
	})
	onLine(t, func(l *line) { // the first text was never finished
		l.daemon("p", oneDaemon)
		a := l.smsc.on("A")
		p := parts(long, 7)
		for _, m := range []*smpp.Message{p[0], p[1], q[0]} {
			one := a.sendPDU(m)
			time.Sleep(5 * time.Second)
			one.wants(t, smpp.StatusROK)
		}
		want(t, l, []string{body(p[0]) + body(p[1]) + "[...]"})
	})
}

func TestAPartWhoseJoiningFailedIsAskedForAgain(t *testing.T) {
	onLine(t, func(l *line) {
		l.daemon("p", oneDaemon)
		a := l.smsc.on("A")
		p := parts(long, 7)
		a.sendPDU(p[0])
		a.sendPDU(p[1])
		synctest.Wait()
		l.redis.LoseUnrun("commit")
		l.redis.LoseUnrun("commit")
		last := a.sendPDU(p[2])
		time.Sleep(time.Second)
		last.wants(t, smpp.StatusRXTAPPN)
		want(t, l)
		last = a.sendPDU(p[2])
		time.Sleep(5 * time.Second)
		last.wants(t, smpp.StatusROK)
		want(t, l, []string{long})
	})
}

func TestWholeButNeverAskedForAgainIsTakenByTheTimers(t *testing.T) {
	onLine(t, func(l *line) {
		l.daemon("p", oneDaemon)
		a := l.smsc.on("A")
		p := parts(long, 7)
		a.sendPDU(p[0])
		a.sendPDU(p[1])
		synctest.Wait()
		l.redis.LoseUnrun("commit")
		l.redis.LoseUnrun("commit")
		a.sendPDU(p[2])
		time.Sleep(20 * time.Second)
		want(t, l, []string{long})
	})
}

// Of long SMS that begin and do not end the oldest is taken with its gaps when a ninth begins; its rest fills them.
func TestManyLongSMSAtOnceLoseNothing(t *testing.T) {
	engine()
	synctest.Test(t, func(t *testing.T) {
		in := newInbound("gsm7")
		defer in.stop()
		n := 0
		part := func(citizen int, ref byte, number byte, text string) {
			t.Helper()
			m := message(citizen, "")
			m.ESMClass, m.ShortMessage = 0x40, append([]byte{5, 0, 3, ref, 2, number}, text...)
			n++
			if got := <-in.take(n, m); got != smpp.StatusROK {
				t.Fatalf("part %d of %d: %s", number, ref, got)
			}
		}
		const many = 12
		text := func(ref byte) string { return fmt.Sprintf("LAPOR jalan rusak di blok %c, ", 'A'+ref) }
		for ref := range byte(many) {
			part(0, ref, 1, text(ref))
		}
		part(1, 0, 1, "LAPOR lampu mati ")
		all := fmt.Sprint(in.redis.Tickets())
		for ref := range byte(many) {
			if got := strings.Contains(all, fmt.Sprintf("blok %c", 'A'+ref)); got != (ref < many-store.MaxOpenGroups) {
				t.Errorf("long SMS %d is taken: %v", ref, got)
			}
		}
		for ref := range byte(many) {
			part(0, ref, 2, fmt.Sprintf("lubang ke-%d.", ref))
		}
		all = fmt.Sprint(in.redis.Tickets())
		for ref := range byte(many) {
			if want := fmt.Sprintf("blok %c, lubang ke-%d.", 'A'+ref, ref); !strings.Contains(all, want) {
				t.Errorf("%q is not in %s", want, all)
			}
		}
		if strings.Contains(all, "lampu") {
			t.Error("another citizen's long SMS was ended")
		}
	})
}
