package store

import (
	"bytes"
	"cmp"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/oklog/ulid/v2"
)

// A ticket at rest is one string, with all that is kept of its SMS: a hash with values longer than 64 octets costs some
// 40 octets a field, and each key some 80. In order:
//
//	1      packedForm
//	22     the owner's hash
//	1, n   the index entry without its header; of an ended ticket no more than its external id
//	2, n   the head: CRC-32C (4) of key and head, and the head, deflated
//	4      CRC-32C of key and all that follows
//	2, n   what is readable: how texts came, SMS with state and times, deflated
//	n      what is sealed with the citizen's key: texts, answers, changes, texts of SMS, deflated before
//
// Scripts read the first four parts (lib.lua: packed).
const packedForm = '2'

const ownerSize = 22

// packedField of a ticket that was touched after it had rested holds the string that it was.
const packedField = "p"

// restDict is what deflate is told beforehand: names, templates, commonest words. What was packed with it is read with it: it
// never changes; another one is another form.
//
//go:embed rest.dict
var restDict []byte

var (
	deflaters = sync.Pool{New: func() any {
		w, err := flate.NewWriterDict(io.Discard, flate.BestCompression, restDict)
		if err != nil {
			panic("store: deflate: " + err.Error()) // only for a level that there is not
		}
		return w
	}}
	inflaters = sync.Pool{New: func() any { return flate.NewReaderDict(bytes.NewReader(nil), restDict) }}
)

func deflate(b []byte) []byte {
	var out bytes.Buffer
	w := deflaters.Get().(*flate.Writer) //nolint:forcetypeassert // the pool's own
	w.Reset(&out)
	_, _ = w.Write(squeeze(b)) // a buffer takes everything
	_ = w.Close()
	deflaters.Put(w)
	return out.Bytes()
}

// inflateMost bounds what a stored value may become.
const inflateMost = 4 << 20

func inflate(b []byte) ([]byte, error) {
	r := inflaters.Get().(io.ReadCloser) //nolint:forcetypeassert // the pool's own
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(b), restDict); err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, inflateMost))
	if err == nil && len(out) == inflateMost {
		err = errors.New("too long")
	}
	if err != nil {
		return nil, err
	}
	return stretch(out)
}

// restedTicket is what a packed ticket holds.
type restedTicket struct {
	owner  string
	index  TicketIndex
	head   []byte
	plain  map[string][]byte // fields that are readable, but for head, owner, index and the ids of SMS
	sealed map[string][]byte // the others, opened; nil: the citizen was erased
	sms    []restedSMS       // in the order of their fields m1, m2, …
	closed []byte            // what is sealed, as it was read
}

// restedSMS is an SMS that has ended, as its fields were; its text apart.
type restedSMS struct {
	field  int // m1 is 1
	id     string
	fields map[string]string
	text   string
}

// restedFields of an SMS stay when it is packed; the ways of its tries and receipts, which tell of a link's hours, go.
var restedFields = []string{
	"st", "l", "fr", "cl", "tr", "q", "t:queued", "t:sent", "t:delivered", "t:undeliverable", "t:expired", "acc", "er", "ir", "ia",
}

// put appends a length and b.
func put(dst, b []byte) []byte { return append(binary.AppendUvarint(dst, uint64(len(b))), b...) }

// taker reads what put wrote.
type taker struct {
	b   []byte
	bad bool
}

func (t *taker) number() uint64 {
	n, size := binary.Uvarint(t.b)
	if size <= 0 {
		t.bad, t.b = true, nil
		return 0
	}
	t.b = t.b[size:]
	return n
}

func (t *taker) signed() int64 {
	n, size := binary.Varint(t.b)
	if size <= 0 {
		t.bad, t.b = true, nil
		return 0
	}
	t.b = t.b[size:]
	return n
}

func (t *taker) take() []byte { return t.some(t.number()) }

func (t *taker) some(n uint64) []byte {
	if n > uint64(len(t.b)) {
		t.bad, t.b = true, nil
		return nil
	}
	b := t.b[:n:n]
	t.b = t.b[n:]
	return b
}

// pack is the ticket under key at rest.
func (r *restedTicket) pack(k *sealer, key string, citizen *dataKey) ([]byte, error) {
	out := append([]byte{packedForm}, r.owner...)
	entry := r.index.rested(k)
	head := deflate(r.head)
	plain, sealed := r.readable(), r.secret()
	if len(r.owner) != ownerSize || len(entry) > 255 || len(head) > 65000 || len(plain) > 65000 {
		return nil, fmt.Errorf("%s is too large to be packed", key)
	}
	out = append(append(out, byte(len(entry))), entry...)
	out = binary.BigEndian.AppendUint16(out, uint16(len(head)+4))
	out = binary.BigEndian.AppendUint32(out, checksum(key, "h", head))
	out = append(out, head...)
	rest := binary.BigEndian.AppendUint16(nil, uint16(len(plain)))
	rest = append(rest, plain...)
	rest = append(rest, citizen.seal(key, packedField, sealed)...)
	out = binary.BigEndian.AppendUint32(out, checksum(key, packedField, append(out[:1+ownerSize:1+ownerSize], rest...)))
	return append(out, rest...), nil
}

// rested is the entry as it stands in a packed ticket: what is not listed needs no more than its external id.
func (x *TicketIndex) rested(k *sealer) []byte {
	if !x.Open {
		return []byte(k.externalName(x.ExternalID))
	}
	return x.entry(k, "")[plainHeader:]
}

// readable is what stands open: fields, then SMS.
func (r *restedTicket) readable() []byte {
	var b []byte
	b = binary.AppendUvarint(b, uint64(len(r.plain)))
	for _, f := range slices.SortedFunc(maps.Keys(r.plain), byNumber) {
		b = put(put(b, []byte(f)), r.plain[f])
	}
	b = binary.AppendUvarint(b, uint64(len(r.sms)))
	last, was := int64(0), map[string]string{}
	for _, m := range r.sms {
		b = m.append(b, was, &last)
	}
	return deflate(b)
}

func (r *restedTicket) secret() []byte {
	var b []byte
	for _, f := range slices.SortedFunc(maps.Keys(r.sealed), byNumber) {
		b = put(put(b, []byte(f)), without(r.opening(f), r.sealed[f]))
	}
	b = put(b, nil)
	for _, m := range r.sms {
		b = put(b, []byte(m.text))
	}
	return deflate(b)
}

// An entry mostly opens with the ticket's number, as its head does, and its own index: openMark stands for that, plainMark
// before what begins with a mark itself.
const (
	openMark  = 0x1d
	plainMark = 0x1c
)

// opening is how the entry of a field mostly begins; empty: that is not known.
func (r *restedTicket) opening(field string) []byte {
	number, _, ok := bytes.Cut(r.head, []byte{','})
	if !ok || !bytes.HasPrefix(number, []byte(`{"n":`)) || len(number) > 32 {
		return nil
	}
	return fmt.Appendf(nil, `%s,"i":%s,`, number, strings.TrimLeft(field, "abcdefghijklmnopqrstuvwxyz"))
}

func without(opening, b []byte) []byte {
	switch rest, ok := bytes.CutPrefix(b, opening); {
	case ok && len(opening) > 0:
		return append([]byte{openMark}, rest...)
	case len(b) > 0 && (b[0] == openMark || b[0] == plainMark):
		return append([]byte{plainMark}, b...)
	}
	return b
}

func with(opening, b []byte) []byte {
	switch {
	case len(b) > 0 && b[0] == openMark:
		return slices.Concat(opening, b[1:])
	case len(b) > 0 && b[0] == plainMark:
		return b[1:]
	}
	return b
}

// byNumber sorts x2 before x10.
func byNumber(a, b string) int {
	return cmp.Or(cmp.Compare(strings.TrimRight(a, "0123456789"), strings.TrimRight(b, "0123456789")), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// Times of an SMS, and what is the same in most: which fields of restedFields these are.
var (
	restedTimes = map[string]bool{"q": true, "t:queued": true, "t:sent": true, "t:delivered": true, "t:undeliverable": true, "t:expired": true, "ia": true}
	restedSame  = map[string]bool{"st": true, "l": true, "fr": true, "cl": true}
)

// append writes an SMS: its field; its id without the serial that it names; which fields follow, by their places in restedFields,
// where a field that is the same in most is left out if it is as in the SMS before, was, and an empty one where it is missing;
// a time is told by its distance from the one before.
func (m *restedSMS) append(b []byte, was map[string]string, last *int64) []byte {
	id, _ := ulid.ParseStrict(m.id[:ulid.EncodedSize]) // looked at before
	b = binary.AppendUvarint(b, uint64(m.field))
	b = binary.AppendVarint(b, int64(id.Time())-*last) //nolint:gosec // 48 bits
	*last = int64(id.Time())                           //nolint:gosec // 48 bits
	b = append(b, id[11:]...)
	var flags uint64
	var values []byte
	for i, name := range restedFields {
		v := m.fields[name]
		switch {
		case v == "0" || (name == "t:queued" && v == m.fields["q"]):
			v = ""
		case name == "acc":
			v = bare(v)
		}
		if restedSame[name] {
			if v == was[name] {
				continue
			}
			was[name] = v
		} else if v == "" {
			continue
		}
		flags |= 1 << i
		if ms, err := strconv.ParseInt(v, 10, 64); err == nil && restedTimes[name] {
			values = binary.AppendVarint(values, ms-*last)
			*last = ms
		} else {
			values = put(values, []byte(v))
		}
	}
	return append(binary.AppendUvarint(b, flags), values...)
}

// bare is a list of one simple word without its brackets; dressed gives them back.
func bare(acc string) string {
	one, ok := strings.CutPrefix(acc, "[\"")
	if one, ok2 := strings.CutSuffix(one, "\"]"); ok && ok2 && one != "" && !strings.ContainsAny(one, "\"\\[,") {
		return one
	}
	return acc
}

func dressed(acc string) string {
	if acc == "" || strings.HasPrefix(acc, "[") {
		return acc
	}
	return "[\"" + acc + "\"]"
}

func takeSMS(t *taker, shard int, serial uint64, was map[string]string, last *int64) restedSMS {
	m := restedSMS{fields: map[string]string{}, field: int(t.number() & 0xffff)}
	*last += t.signed()
	var id ulid.ULID
	_ = id.SetTime(uint64(*last)) //nolint:gosec // what does not fit is another id, which nobody asks for
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], serial)
	copy(id[6:11], b[3:])
	copy(id[11:], t.some(5))
	m.id = fmt.Sprintf("%s%02d", id, shard)
	flags := t.number()
	for i, name := range restedFields {
		if flags&(1<<i) != 0 {
			if restedTimes[name] {
				*last += t.signed()
				m.fields[name] = strconv.FormatInt(*last, 10)
			} else {
				m.fields[name] = string(t.take())
			}
			if restedSame[name] {
				was[name] = m.fields[name]
			}
		} else if v := was[name]; restedSame[name] && v != "" {
			m.fields[name] = v
		}
	}
	m.fields["acc"] = dressed(m.fields["acc"])
	if q, ok := m.fields["q"]; ok && m.fields["t:queued"] == "" {
		m.fields["t:queued"] = q
	}
	return m
}

// packedHead is the head of a packed ticket, from its own part of it.
func packedHead(key string, part []byte) ([]byte, error) {
	if len(part) < 4 || binary.BigEndian.Uint32(part) != checksum(key, "h", part[4:]) {
		return nil, damaged(key, "h", errors.New("its checksum is wrong"))
	}
	head, err := inflate(part[4:])
	if err != nil {
		return nil, damaged(key, "h", errors.New("it cannot be inflated"))
	}
	return head, nil
}

// unpack reads a packed ticket but for what is sealed, which open does.
func unpack(key string, shard int, serial uint64, b []byte) (*restedTicket, error) {
	bad := func(why string) (*restedTicket, error) { return nil, damaged(key, packedField, errors.New(why)) }
	t := taker{b: b}
	if form := t.some(1); t.bad || form[0] != packedForm {
		return bad("its form is unknown here; a newer version wrote it")
	}
	r := &restedTicket{owner: string(t.some(ownerSize)), plain: map[string][]byte{}}
	short := func() uint64 { return uint64(binary.BigEndian.Uint16(append(slices.Clip(t.some(2)), 0, 0))) }
	t.some(uint64(append(slices.Clip(t.some(1)), 0)[0])) // the entry is the scripts'
	headPart := t.some(short())
	sum := t.some(4)
	if t.bad {
		return bad("it is cut off")
	}
	if binary.BigEndian.Uint32(sum) != checksum(key, packedField, slices.Concat(b[:1+ownerSize], t.b)) {
		return bad("its checksum is wrong")
	}
	var err error
	if r.head, err = packedHead(key, headPart); err != nil {
		return nil, err
	}
	if r.index, err = IndexOf(r.head); err != nil {
		r.index = TicketIndex{}
	}
	plain, err := inflate(t.some(short()))
	if err != nil || t.bad {
		return bad("what is readable of it cannot be inflated")
	}
	p := taker{b: plain}
	for range p.number() {
		name := string(p.take())
		r.plain[name] = p.take()
	}
	last, was := int64(0), map[string]string{}
	for range p.number() {
		if p.bad {
			break
		}
		r.sms = append(r.sms, takeSMS(&p, shard, serial, was, &last))
	}
	if p.bad {
		return bad("what is readable of it is cut off")
	}
	r.closed = t.b
	return r, nil
}

// open fills in what is sealed.
func (r *restedTicket) open(key string, citizen *dataKey) error {
	packed, err := citizen.unseal(key, packedField, r.closed)
	if err != nil {
		return err
	}
	plain, err := inflate(packed)
	if err != nil {
		return damaged(key, packedField, errors.New("what is sealed of it cannot be inflated"))
	}
	r.sealed = map[string][]byte{}
	t := taker{b: plain}
	for {
		name := string(t.take())
		if name == "" {
			break
		}
		r.sealed[name] = with(r.opening(name), t.take())
	}
	for i := range r.sms {
		r.sms[i].text = string(t.take())
	}
	if t.bad {
		return damaged(key, packedField, errors.New("what is sealed of it is cut off"))
	}
	return nil
}
