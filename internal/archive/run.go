package archive

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

// keeper is what the archive needs of the store; *store.Store is one.
type keeper interface {
	ScanTickets(ctx context.Context, o store.ScanOptions, each func(step []store.TicketRecord, cursor string) error) error
	Ticket(ctx context.Context, shard int, serial uint64) (store.TicketRecord, error)
	HandsOn(ctx context.Context, shard int, serial uint64) (bool, error)
	DropTicket(ctx context.Context, r store.TicketRecord, sms []string) (bool, error)
	ArchiveOpen(ctx context.Context, owner store.CitizenID, serial uint64, sealed []byte) ([]byte, error)
	ArchiveNote(ctx context.Context) (store.ArchiveNote, error)
	NoteArchive(ctx context.Context, n store.ArchiveNote) error
}

// clerk knows what a ticket says, and makes its citizen's conversation let it go; *turn.Desk is one.
type clerk interface {
	Whole(ctx context.Context, rec store.TicketRecord) (desk.TicketView, error)
	LetGo(ctx context.Context, id store.CitizenID, gone []conversation.Number) error
}

// ErrElsewhere: the line's archive is in another folder.
var ErrElsewhere = errors.New("archive: the line's archive is in another folder")

// Waits says that so much at once may be a wrong clock: a person must say yes.
type Waits struct{ Due, Of int }

func (w *Waits) Error() string {
	return fmt.Sprintf("archive: %d of %d tickets are due at once; is the clock right? If it is: aduan archive --yes", w.Due, w.Of)
}

// Of so many tickets due a person is asked: more than a twentieth, and not merely a few.
const (
	askedPart = 20
	askedFrom = 20
)

// atOnce is how many tickets are written together.
const atOnce = 64

// Options of a [Run]. Store, Desk, Dir, Now and Keep are required.
type Options struct {
	Store keeper
	Desk  clerk
	Dir   string
	Now   func() time.Time
	Keep  time.Duration // how long a closed ticket stays in Redis
	Yes   bool          // a person has said yes to however many
	Dry   bool          // nothing is changed
	Here  bool          // this folder is the line's archive from now on
	Pause time.Duration // between two steps, for whoever else uses the store
	// Progress is told how many of how many have gone; nil: nobody listens.
	Progress func(done, of int)
}

// Result is what a run did.
type Result struct {
	Tickets int // that stood in Redis
	Due     int // of these, closed for long enough
	Gone    int // of these, in the archive now
	Left    int // of these, left for the next time: changed meanwhile, or an SMS or event still waits
}

// Run puts into the archive what is due. It may be ended at any time, by ctx or a crash, and run again. *Waits: nothing was
// done; ErrBusy; ErrElsewhere.
func Run(ctx context.Context, o Options) (Result, error) {
	var res Result
	due, err := find(ctx, o, &res)
	if err != nil || o.Dry {
		return res, err
	}
	if len(due) > askedFrom && len(due)*askedPart > res.Tickets && !o.Yes {
		return res, &Waits{Due: len(due), Of: res.Tickets}
	}
	folder, err := OpenFolder(o.Dir, true)
	if err != nil {
		return res, err
	}
	err = move(ctx, o, folder, due, &res)
	return res, errors.Join(err, folder.Close())
}

// ref is a ticket that is due.
type ref struct {
	shard  int
	serial uint64
}

// find looks through all tickets.
func find(ctx context.Context, o Options, res *Result) ([]ref, error) {
	before := o.Now().Add(-o.Keep)
	var due []ref
	err := o.Store.ScanTickets(ctx, store.ScanOptions{Pause: o.Pause}, func(step []store.TicketRecord, _ string) error {
		for i := range step {
			res.Tickets++
			var head conversation.Ticket
			if json.Unmarshal(step[i].Head, &head) == nil && isDue(&head, before) {
				due = append(due, ref{step[i].Shard, step[i].Serial})
			}
		}
		return nil
	})
	res.Due = len(due)
	return due, err
}

// isDue: closed tickets leave, as those of erased citizens, however they stood.
func isDue(head *conversation.Ticket, before time.Time) bool {
	switch {
	case head.Erased:
		at := head.ClosedAt
		if at.IsZero() {
			at = head.FiledAt
		}
		return at.Before(before)
	case head.Status.Open(), head.ClosedAt.IsZero():
		return false
	}
	return head.ClosedAt.Before(before)
}

// bind makes this folder the line's archive, or says that another is.
func bind(ctx context.Context, o Options, folder *Folder) error {
	id, err := folder.ID()
	if err != nil {
		return err
	}
	note, err := o.Store.ArchiveNote(ctx)
	if err != nil || note.ID == id {
		return err
	}
	if note.ID != "" && !o.Here {
		return fmt.Errorf("%w, not in %s; put it there, or let this one be it: aduan archive --here", ErrElsewhere, o.Dir)
	}
	note.ID = id
	return o.Store.NoteArchive(ctx, note)
}

func move(ctx context.Context, o Options, folder *Folder, due []ref, res *Result) error {
	if err := bind(ctx, o, folder); err != nil {
		return err
	}
	for chunk := range slices.Chunk(due, atOnce) {
		if err := step(ctx, o, folder, chunk, res); err != nil {
			return err
		}
		if o.Progress != nil {
			o.Progress(res.Gone+res.Left, len(due))
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(o.Pause):
		}
	}
	return nil
}

// taken is a ticket on its way.
type taken struct {
	rec store.TicketRecord
	n   conversation.Number
	sms []string
}

// step writes some tickets into the archive, and only then takes them out of Redis.
func step(ctx context.Context, o Options, folder *Folder, chunk []ref, res *Result) error {
	before := o.Now().Add(-o.Keep)
	var lines []Line
	var leaving []taken
	for _, r := range chunk {
		t, line, err := o.take(ctx, r, before)
		switch {
		case errors.Is(err, errNotNow), errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrDamaged):
			res.Left++
			continue
		case err != nil:
			return err
		}
		leaving = append(leaving, t)
		if !folder.Has(t.n, line.Digest) { // else a crash came between writing and deleting
			lines = append(lines, line)
		}
	}
	if err := folder.Append(o.Now().UTC().Format("2006-01"), lines); err != nil {
		return err
	}
	of := map[store.CitizenID][]conversation.Number{}
	for i := range leaving {
		of[leaving[i].rec.Owner] = append(of[leaving[i].rec.Owner], leaving[i].n)
	}
	for id, gone := range of {
		if err := o.Desk.LetGo(ctx, id, gone); err != nil {
			return err
		}
	}
	for i := range leaving {
		ok, err := o.Store.DropTicket(ctx, leaving[i].rec, leaving[i].sms)
		if err != nil {
			return err
		}
		if !ok {
			res.Left++
			continue
		}
		res.Gone++
	}
	return nil
}

var errNotNow = errors.New("archive: not now")

// take reads a ticket as it stands now.
func (o *Options) take(ctx context.Context, r ref, before time.Time) (taken, Line, error) {
	rec, err := o.Store.Ticket(ctx, r.shard, r.serial)
	if err != nil {
		return taken{}, Line{}, err
	}
	var head conversation.Ticket
	if err := json.Unmarshal(rec.Head, &head); err != nil {
		return taken{}, Line{}, fmt.Errorf("%w: the head of a ticket", store.ErrDamaged)
	}
	if waits, err := o.Store.HandsOn(ctx, r.shard, r.serial); err != nil {
		return taken{}, Line{}, err
	} else if waits || !isDue(&head, before) {
		return taken{}, Line{}, errNotNow
	}
	view, err := o.Desk.Whole(ctx, rec)
	if err != nil {
		return taken{}, Line{}, err
	}
	t := taken{rec: rec, n: head.Number}
	for _, m := range view.Messages {
		if m.State == store.StateQueued {
			return taken{}, Line{}, errNotNow
		}
		t.sms = append(t.sms, m.ID)
	}
	sum := sha256.Sum256(rec.Head)
	line := Line{
		Number: head.Number, Ticket: head.Number.String(), Shard: r.shard, Serial: r.serial, Owner: rec.Owner.Hash,
		Status: string(head.Status), Kind: string(head.Kind), Category: head.Category, Agency: head.Agency,
		FiledAt: head.FiledAt.UTC(), ClosedAt: head.ClosedAt.UTC(), Digest: hex.EncodeToString(sum[:8]),
	}
	body, err := json.Marshal(view)
	if err != nil {
		return t, line, fmt.Errorf("archive: %w", err)
	}
	if line.Sealed = rec.ArchiveSeal(deflate(body)); line.Sealed == nil {
		line.Plain = body
	}
	return t, line, nil
}

func deflate(b []byte) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("archive: " + err.Error()) // a level that there is, into memory
	}
	return out.Bytes()
}

// View opens a line. erased: nothing but figures is left of it.
func View(ctx context.Context, s keeper, l *Line) (v desk.TicketView, erased bool, err error) {
	body := []byte(l.Plain)
	if len(l.Sealed) > 0 {
		packed, err := s.ArchiveOpen(ctx, l.Owned(), l.Serial, l.Sealed)
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) {
			// The citizen was erased since, and may have come back with another key.
			return desk.TicketView{
				Number: l.Ticket, Kind: l.Kind, Status: l.Status, FiledAt: l.FiledAt, Category: l.Category, Agency: l.Agency,
			}, true, nil
		}
		if err != nil {
			return v, false, err
		}
		if body, err = io.ReadAll(flate.NewReader(bytes.NewReader(packed))); err != nil {
			return v, false, fmt.Errorf("%w: ticket %s", ErrDamaged, l.Ticket)
		}
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return v, false, fmt.Errorf("%w: ticket %s", ErrDamaged, l.Ticket)
	}
	return v, len(l.Sealed) == 0, nil
}
