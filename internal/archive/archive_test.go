package archive_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/archive"
	"aduan/internal/desk"
	"aduan/internal/msisdn"
	"aduan/internal/turn"
	"aduan/internal/turn/turntest"
	"aduan/store"
	"aduan/store/storetest"
)

var engine = sync.OnceValue(func() *conversation.Engine { return turntest.Engine(time.UTC) })

const day = 24 * time.Hour

// office is a line with a real store, whose clock the test moves.
type office struct {
	t      *testing.T
	store  *store.Store
	redis  *storetest.Redis
	turner *turn.Turner
	desk   *turn.Desk
	dir    string
}

func newOffice(t *testing.T) *office {
	o := &office{t: t, dir: filepath.Join(t.TempDir(), "archive")}
	o.store, o.redis = storetest.Open(t)
	o.turner = turn.New(turn.Options{
		Store: o.store, Engine: engine(), Outbox: turntest.NoOutbox{}, Now: time.Now, ShortCode: "1708", DefaultLink: "main",
		Patience: time.Hour,
	})
	o.desk = turn.NewDesk(o.turner)
	return o
}

func phone(n int) msisdn.MSISDN { return msisdn.FromRevealed(fmt.Sprintf("+62812345671%02d", n)) }

// says lets a citizen send a text, and gives the answer.
func (o *office) says(n int, text string) conversation.Effects {
	o.t.Helper()
	res, err := o.turner.SMS(o.t.Context(), turn.Message{
		From: phone(n), To: "1708", Link: "main", Text: text,
		Input: func(number conversation.Number, known []conversation.Ticket) conversation.Input {
			return conversation.SMS{Text: text, Link: "main", NewNumber: number, Known: known}
		},
	})
	if err != nil || res.Outcome.Kind != store.Kept {
		o.t.Fatalf("%s: %v, %v", text, res.Outcome.Kind, err)
	}
	return res.Effects
}

// files lets a citizen report, and staff close it where closed.
func (o *office) files(n int, closed bool) conversation.Number {
	o.t.Helper()
	fx := o.says(n, "LAPOR jembatan roboh di Sukamiskin RT 3")
	number := fx.Tickets[len(fx.Tickets)-1].Number
	if closed {
		if _, _, err := o.desk.PushStatus(o.t.Context(), desk.StatusRequest{Number: number, Status: conversation.Rejected}); err != nil {
			o.t.Fatal(err)
		}
	}
	o.sent()
	return number
}

// sent lets every SMS be accepted: one that waits keeps its ticket here.
func (o *office) sent() {
	for _, key := range o.redis.Client().Keys(o.t.Context(), "{*}:m:*").Val() {
		if o.redis.Client().Type(o.t.Context(), key).Val() == "hash" {
			o.redis.Client().HSet(o.t.Context(), key, "st", "delivered")
		}
	}
}

func (o *office) options() archive.Options {
	return archive.Options{Store: o.store, Desk: o.desk, Dir: o.dir, Now: func() time.Time { return time.Now().Add(2000 * day) }, Keep: 1825 * day, Yes: true}
}

func (o *office) run(change ...func(*archive.Options)) archive.Result {
	o.t.Helper()
	opt := o.options()
	for _, f := range change {
		f(&opt)
	}
	res, err := archive.Run(o.t.Context(), opt)
	if err != nil {
		o.t.Fatalf("%+v, %v", res, err)
	}
	return res
}

func (o *office) folder() *archive.Folder {
	o.t.Helper()
	f, err := archive.OpenFolder(o.dir, false)
	if err != nil {
		o.t.Fatal(err)
	}
	return f
}

func (o *office) stands(n conversation.Number) bool {
	_, err := o.store.Ticket(o.t.Context(), n.Shard(), n.Serial())
	return !errors.Is(err, store.ErrNotFound)
}

func TestAClosedTicketGoesIntoTheArchiveSealed(t *testing.T) {
	o := newOffice(t)
	gone, open := o.files(1, true), o.files(2, false)
	before := len(o.redis.Client().Keys(t.Context(), "*:m:*").Val())
	res := o.run()
	if res.Gone != 1 || res.Tickets != 2 || o.stands(gone) || !o.stands(open) {
		t.Fatalf("%+v, the closed one stands: %v, the open one: %v", res, o.stands(gone), o.stands(open))
	}
	if after := len(o.redis.Client().Keys(t.Context(), "*:m:*").Val()); after >= before && before > 1 {
		t.Errorf("its SMS stay: %d before, %d after", before, after)
	}
	all := unpacked(t, o.dir)
	for _, secret := range []string{"Sukamiskin", "812345671", "jembatan"} {
		if strings.Contains(all, secret) {
			t.Errorf("the archive tells %q", secret)
		}
	}
	line, err := o.folder().Line(gone)
	if err != nil {
		t.Fatal(err)
	}
	view, erased, err := archive.View(t.Context(), o.store, &line)
	if err != nil || erased || view.Number != gone.String() || len(view.Texts) != 1 || !strings.Contains(view.Texts[0].Text, "Sukamiskin") ||
		view.Citizen.Number != phone(1).Reveal() || len(view.Messages) == 0 || len(view.History) == 0 {
		t.Errorf("archived as %+v, %v, %v", view, erased, err)
	}
	who := o.store.Identify(phone(1))
	t.Log("what stays of its citizen in Redis, octets:", o.redis.Client().MemoryUsage(t.Context(), fmt.Sprintf("{%02d}:c:%s", who.Shard, who.Hash)).Val())
	// Its citizen is told what is told of any number that is nobody's, and files as before.
	told := o.says(1, "CEK "+gone.String())
	if len(told.Replies) != 1 || !strings.Contains(told.Replies[0].Text, "tidak ada pada laporan") {
		t.Errorf("CEK is answered %+v", told.Replies)
	}
	o.files(1, false)
	if again := o.run(); again.Gone != 0 || again.Due != 0 {
		t.Errorf("a second run: %+v", again)
	}
}

// unpacked is all that the archive's files hold.
func unpacked(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl.gz"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err == nil {
			_, err = io.Copy(&all, z)
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		if info, _ := os.Stat(name); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	return all.String()
}

func TestWhoIsErasedIsErasedInTheArchive(t *testing.T) {
	o := newOffice(t)
	gone, before := o.files(1, true), o.files(2, true)
	if _, err := o.desk.Erase(t.Context(), desk.Viewer{}, o.store.Identify(phone(2))); err != nil {
		t.Fatal(err)
	}
	if res := o.run(); res.Gone != 2 {
		t.Fatalf("%+v", res)
	}
	if _, err := o.desk.Erase(t.Context(), desk.Viewer{}, o.store.Identify(phone(1))); err != nil {
		t.Fatal(err)
	}
	for round, back := range []bool{false, true} {
		if back {
			o.files(1, false) // who comes back has another key
		}
		for _, n := range []conversation.Number{gone, before} {
			line, err := o.folder().Line(n)
			if err != nil {
				t.Fatal(err)
			}
			view, erased, err := archive.View(t.Context(), o.store, &line)
			if err != nil || !erased || len(view.Texts) != 0 || strings.Contains(view.Citizen.Number, "812") || view.Status != "rejected" {
				t.Errorf("round %d: %+v, erased %v, %v", round, view, erased, err)
			}
		}
	}
}

// broken fails at one call of one kind.
type broken struct {
	*store.Store
	desk  *turn.Desk
	calls int // until it breaks
}

var errBroken = errors.New("broken here")

func (b *broken) step() error {
	if b.calls--; b.calls == 0 {
		return errBroken
	}
	return nil
}

func (b *broken) DropTicket(ctx context.Context, r store.TicketRecord, sms []string) (bool, error) {
	if err := b.step(); err != nil {
		return false, err
	}
	return b.Store.DropTicket(ctx, r, sms)
}

func (b *broken) Whole(ctx context.Context, r store.TicketRecord) (desk.TicketView, error) {
	if err := b.step(); err != nil {
		return desk.TicketView{}, err
	}
	return b.desk.Whole(ctx, r)
}

func (b *broken) LetGo(ctx context.Context, id store.CitizenID, gone []conversation.Number) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.desk.LetGo(ctx, id, gone)
}

func TestARunThatBreaksAnywhereIsTakenUpAgain(t *testing.T) {
	o := newOffice(t)
	var all []conversation.Number
	for n := range 5 {
		all = append(all, o.files(n, true))
	}
	for at := 1; ; at++ {
		b := &broken{Store: o.store, desk: o.desk, calls: at}
		opt := o.options()
		opt.Store, opt.Desk = b, b
		_, err := archive.Run(t.Context(), opt)
		if err == nil {
			break
		}
		if !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
		f := o.folder()
		for _, n := range all {
			if _, err := f.Line(n); err != nil && !o.stands(n) {
				t.Errorf("broken at call %d: ticket %s is nowhere", at, n)
			}
		}
		if at > 100 {
			t.Fatal("it never ends")
		}
	}
	lines := 0
	for range strings.Lines(unpacked(t, o.dir)) {
		lines++
	}
	if lines != len(all) || o.folder().Len() != len(all) {
		t.Errorf("%d lines for %d tickets", lines, len(all))
	}
	for _, n := range all {
		if o.stands(n) {
			t.Errorf("ticket %s is still in Redis", n)
		}
	}
}

// A crash, or a full disk, cuts the files anywhere: what no index knows is cut off and written again, once.
func TestFilesCutAnywhereAreMended(t *testing.T) {
	o := newOffice(t)
	first := o.files(1, true)
	o.run()
	whole := snapshot(t, o.dir)
	second := o.files(2, true)
	o.run()
	after := snapshot(t, o.dir)
	for name, b := range after {
		if name == "lock" || name == "id" {
			continue
		}
		month, _, _ := strings.Cut(name, ".")
		for cut := len(whole[name]); cut < len(b); cut += 1 + len(b)/60 {
			// The data is synced before the index begins: a cut in the data leaves the old index.
			now := map[string][]byte{}
			for other := range after {
				now[other] = after[other]
				if strings.HasSuffix(name, ".gz") && strings.HasSuffix(other, ".idx") {
					now[other] = whole[other]
				}
			}
			now[name] = b[:cut]
			put(t, o.dir, now)
			f, err := archive.OpenFolder(o.dir, true)
			if err != nil {
				t.Fatalf("%s cut at %d: %v", name, cut, err)
			}
			if _, err := f.Line(first); err != nil {
				t.Errorf("%s cut at %d: the first ticket: %v", name, cut, err)
			}
			if _, err := f.Line(second); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s cut at %d: half a ticket counts: %v", name, cut, err)
			}
			if err := f.Append(month, []archive.Line{{Number: second, Ticket: second.String(), Digest: "d"}}); err != nil {
				t.Error(err)
			}
			if _, err := f.Line(second); err != nil {
				t.Errorf("%s cut at %d, written again: %v", name, cut, err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func snapshot(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func put(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSoMuchAtOnceWaitsForAPersonsYes(t *testing.T) {
	o := newOffice(t)
	for n := range 21 {
		o.files(n, true)
	}
	opt := o.options()
	opt.Yes = false
	_, err := archive.Run(t.Context(), opt)
	var waits *archive.Waits
	if !errors.As(err, &waits) || waits.Due != 21 || waits.Of != 21 {
		t.Fatalf("21 of 21 at once: %v", err)
	}
	if res := o.run(func(a *archive.Options) { a.Dry = true }); res.Due != 21 || res.Gone != 0 {
		t.Errorf("a dry run: %+v", res)
	}
	if _, err := os.Stat(o.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing was archived, and there is a folder: %v", err)
	}
	if res := o.run(); res.Gone != 21 {
		t.Errorf("with a person's yes: %+v", res)
	}
}

func TestThereIsOneArchiveAndOneWriter(t *testing.T) {
	o := newOffice(t)
	o.files(1, true)
	o.run()
	o.files(2, true)
	opt := o.options()
	opt.Dir = filepath.Join(t.TempDir(), "elsewhere")
	if _, err := archive.Run(t.Context(), opt); !errors.Is(err, archive.ErrElsewhere) {
		t.Errorf("in another folder: %v", err)
	}
	f, err := archive.OpenFolder(o.dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Run(t.Context(), o.options()); !errors.Is(err, archive.ErrBusy) {
		t.Errorf("while another writes: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	opt.Here = true
	if res, err := archive.Run(t.Context(), opt); err != nil || res.Gone != 1 {
		t.Errorf("made the line's archive: %+v, %v", res, err)
	}
}

func TestWhatWaitsKeepsItsTicket(t *testing.T) {
	o := newOffice(t)
	n := o.files(1, true)
	key := o.redis.Client().Keys(t.Context(), "{*}:m:*").Val()[0]
	o.redis.Client().HSet(t.Context(), key, "st", "queued")
	if res := o.run(); res.Left != 1 || !o.stands(n) {
		t.Errorf("an SMS waits: %+v", res)
	}
	o.sent()
	hand := fmt.Sprintf("{%02d}:h:t%d", n.Shard(), n.Serial())
	o.redis.Client().RPush(t.Context(), hand, "x")
	if res := o.run(); res.Left != 1 || !o.stands(n) {
		t.Errorf("an event waits: %+v", res)
	}
	o.redis.Client().Del(t.Context(), hand)
	if res := o.run(); res.Gone != 1 {
		t.Errorf("nothing waits: %+v", res)
	}
}

func TestLinesAreJSON(t *testing.T) {
	o := newOffice(t)
	n := o.files(1, true)
	o.run()
	var l map[string]any
	if err := json.Unmarshal([]byte(strings.TrimSpace(unpacked(t, o.dir))), &l); err != nil || l["ticket"] != n.String() || l["status"] != "rejected" {
		t.Errorf("%v, %v", l, err)
	}
}
