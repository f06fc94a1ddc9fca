package agency

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

const (
	freshFor    = 5 * time.Second // so long is what was read taken for what stands
	maxName     = 100             // octets of a name
	maxOfficers = 50
)

// keeper keeps agencies; *store.Store is one.
type keeper interface {
	Agencies(ctx context.Context) ([]store.Agency, error)
	PutAgency(ctx context.Context, a store.Agency, want *uint64, superior func(string) string) (uint64, error)
	DeleteAgency(ctx context.Context, name string, want *uint64) error
	ListKeys(ctx context.Context) ([]store.APIKey, error)
}

// Options are the parts of a Book. Store and Now are required.
type Options struct {
	Store keeper
	// Words has the line's own list; nil: there is none. It is asked each time, for it may be read again.
	Words func() *conversation.Words
	// Template tells what is wrong with a text of an agency, else how many segments it takes at most; nil: there are none.
	Template func(agency, text string) (segments int, err error)
	// Busy tells whether a ticket is in the agency's hands; nil: nobody can tell.
	Busy func(ctx context.Context, agency string) (bool, error)
	Now  func() time.Time
}

// Book is the list of agencies. It may be used by many goroutines.
type Book struct {
	o Options // immutable

	mu   sync.Mutex
	age  int                    // guarded by mu: counts what was written here
	at   time.Time              // guarded by mu: when all was read
	all  map[string]desk.Agency // guarded by mu; not changed once it stands
	keys map[string]bool        // guarded by mu: agencies that keys name
}

// New returns a Book.
func New(o Options) *Book { return &Book{o: o} }

// List gives every agency that the viewer may know of, by name: those with details and those of the line's own list. A key of
// one agency sees of the others who they are and where they stand.
func (b *Book) List(ctx context.Context, v desk.Viewer) ([]desk.Agency, error) {
	all, _, err := b.read(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]desk.Agency, 0, len(all))
	for _, a := range all {
		list = append(list, a)
	}
	if w := b.words(); w != nil {
		for _, i := range w.InstitutionList() {
			if _, ok := all[i.Name]; !ok {
				list = append(list, desk.Agency{Name: i.Name, Parent: i.Superior, Known: true})
			}
		}
	}
	for i := range list {
		list[i] = seen(list[i], v)
	}
	slices.SortFunc(list, func(a, b desk.Agency) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Get gives one agency as the viewer may see it; desk.ErrNotFound where neither details nor the line's own list have it.
func (b *Book) Get(ctx context.Context, v desk.Viewer, name string) (desk.Agency, error) {
	a, ok, err := b.Find(ctx, name)
	if err == nil && !ok {
		err = desk.ErrNotFound
	}
	return seen(a, v), err
}

// seen is the agency as the viewer may see it.
func seen(a desk.Agency, v desk.Viewer) desk.Agency {
	if v.Agency != "" && v.Agency != a.Name {
		return a.Outside()
	}
	return a
}

// Find gives an agency whole, for the line's own use.
func (b *Book) Find(ctx context.Context, name string) (desk.Agency, bool, error) {
	all, _, err := b.read(ctx)
	if err != nil {
		return desk.Agency{}, false, err
	}
	if a, ok := all[name]; ok {
		return a, true, nil
	}
	if i, ok := b.institution(name); ok {
		return desk.Agency{Name: i.Name, Parent: i.Superior, Known: true}, true, nil
	}
	return desk.Agency{}, false, nil
}

// Knows tells whether tickets may be handed to this agency: it has details, stands in the line's own list, or has a key.
func (b *Book) Knows(ctx context.Context, name string) (bool, error) {
	_, keys, err := b.read(ctx)
	if err != nil || keys[name] {
		return err == nil, err
	}
	_, ok, err := b.Find(ctx, name)
	return ok, err
}

// Superior is who stands above an agency; "": the head of the line.
func (b *Book) Superior(ctx context.Context, name string) (string, error) {
	a, _, err := b.Find(ctx, name)
	return a.Parent, err
}

// Put makes the details of an agency, or changes them; not for viewers of one agency.
func (b *Book) Put(ctx context.Context, r desk.PutAgencyRequest) (a desk.Agency, created bool, err error) {
	a = r.Agency
	if err := check(&a); err != nil {
		return a, false, err
	}
	if err := b.checkTemplates(&a); err != nil {
		return a, false, err
	}
	if r.Viewer.Agency != "" { // who stands where, and who answers, is for the head of the line to say
		return a, false, desk.ErrForbidden
	}
	if a.Parent != "" {
		ok, err := b.Knows(ctx, a.Parent)
		if err != nil {
			return a, false, err
		}
		if !ok {
			return a, false, &desk.Invalid{Field: "parent", Reason: "no such agency: put it first"}
		}
	}
	a.UpdatedAt, a.UpdatedBy, a.Version = b.o.Now().UTC().Truncate(time.Millisecond), r.Viewer.Name, 0
	data, err := a.MarshalJSON()
	if err != nil {
		return a, false, err
	}
	a.Version, err = b.o.Store.PutAgency(ctx, store.Agency{Name: a.Name, Parent: a.Parent, Data: data}, r.If, func(name string) string {
		i, _ := b.institution(name)
		return i.Superior
	})
	b.forget()
	_, a.Known = b.institution(a.Name)
	return a, a.Version == 1, refusal(err)
}

// Delete takes an agency's details away, where nothing names it any more. An institution of the line's own list stays known.
func (b *Book) Delete(ctx context.Context, r desk.DeleteAgencyRequest) error {
	if r.Viewer.Agency != "" { // its own key names it, and others are not its
		return desk.ErrForbidden
	}
	if b.o.Busy != nil {
		busy, err := b.o.Busy(ctx, r.Name)
		if err != nil {
			return refusal(err)
		}
		if busy {
			return &desk.InUse{By: "tickets are in its hands"}
		}
	}
	defer b.forget()
	return refusal(b.o.Store.DeleteAgency(ctx, r.Name, r.If))
}

// check makes an agency's details fit to be kept, or says what is wrong.
func check(a *desk.Agency) error {
	for _, f := range []struct{ field, s string }{{"path.name", a.Name}, {"parent", a.Parent}} {
		if len(f.s) > maxName || !utf8.ValidString(f.s) || strings.TrimSpace(f.s) != f.s || strings.ContainsFunc(f.s, unicode.IsControl) {
			return &desk.Invalid{Field: f.field, Reason: "expected at most 100 octets, without control characters and without spaces around them"}
		}
	}
	switch {
	case a.Name == "":
		return &desk.Invalid{Field: "path.name", Reason: "expected a name"}
	case a.Name == a.Parent:
		return &desk.Invalid{Field: "parent", Reason: "an agency cannot stand below itself"}
	case len(a.Officers) > maxOfficers:
		return &desk.Invalid{Field: "officers", Reason: "expected at most 50"}
	}
	a.Officers = slices.Clone(a.Officers)
	for i := range a.Officers {
		o := &a.Officers[i]
		o.Name, o.Email, o.Role = strings.TrimSpace(o.Name), strings.TrimSpace(o.Email), strings.TrimSpace(o.Role)
		if o.Name == "" {
			return &desk.Invalid{Field: "officers", Reason: "expected a name of each"}
		}
		if o.Email != "" && !strings.Contains(o.Email, "@") {
			return &desk.Invalid{Field: "officers", Reason: "expected an e-mail address"}
		}
	}
	return nil
}

// maxTemplates bounds the texts of an agency, maxTemplate each of them.
const (
	maxTemplates = 50
	maxTemplate  = 1000
)

// templateName is what a template may be called, with a language behind it.
var templateName = regexp.MustCompile(`^[a-z0-9_]{1,32}(\.[a-z]{2,3})?$`)

// checkTemplates checks the agency's texts, and counts what each takes.
func (b *Book) checkTemplates(a *desk.Agency) error {
	a.Segments = nil
	if len(a.Templates) == 0 {
		a.Templates = nil
		return nil
	}
	if len(a.Templates) > maxTemplates || b.o.Template == nil {
		return &desk.Invalid{Field: "templates", Reason: "expected at most 50"}
	}
	a.Templates, a.Segments = maps.Clone(a.Templates), map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(a.Templates)) {
		text := strings.TrimSpace(a.Templates[name])
		if !templateName.MatchString(name) {
			return &desk.Invalid{Field: "templates", Reason: "expected names of a-z, 0-9 and _, such as resolved, or resolved.en for English"}
		}
		if text == "" || len(text) > maxTemplate || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return &desk.Invalid{Field: "templates", Reason: "expected texts of at most 1000 octets, without control characters"}
		}
		n, err := b.o.Template(a.Name, text)
		if err != nil {
			return &desk.Invalid{Field: "templates", Reason: err.Error()}
		}
		a.Templates[name], a.Segments[name] = text, n
	}
	return nil
}

// Templates are the agency's own texts, by name.
func (b *Book) Templates(ctx context.Context, name string) (map[string]string, error) {
	a, _, err := b.Find(ctx, name)
	return a.Templates, err
}

// refusal is the store's in the desk's words.
func refusal(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return desk.ErrNotFound
	case errors.Is(err, store.ErrVersion):
		return desk.ErrChanged
	case errors.Is(err, store.ErrCycle):
		return &desk.Invalid{Field: "parent", Reason: "an agency cannot stand below itself, or below one that stands below it"}
	case errors.Is(err, store.ErrInUse):
		return &desk.InUse{By: "another agency stands below it, or a key belongs to it"}
	default:
		return fmt.Errorf("%w: %w", desk.ErrUnavailable, err)
	}
}

// read gives what stands, as it was at most freshFor ago.
func (b *Book) read(ctx context.Context) (all map[string]desk.Agency, keys map[string]bool, err error) {
	b.mu.Lock()
	if b.all != nil && b.o.Now().Sub(b.at) < freshFor {
		defer b.mu.Unlock()
		return b.all, b.keys, nil
	}
	age := b.age
	b.mu.Unlock()
	at := b.o.Now()
	stored, err := b.o.Store.Agencies(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", desk.ErrUnavailable, err)
	}
	all, keys = make(map[string]desk.Agency, len(stored)), map[string]bool{}
	for _, s := range stored {
		a, err := desk.ReadAgency(s.Data)
		if err != nil {
			return nil, nil, err
		}
		a.Name, a.Parent, a.Version = s.Name, s.Parent, s.Version
		_, a.Known = b.institution(a.Name)
		all[a.Name] = a
	}
	list, err := b.o.Store.ListKeys(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", desk.ErrUnavailable, err)
	}
	for _, k := range list {
		if k.Agency != "" && !k.Revoked {
			keys[k.Agency] = true
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.age == age { // else it may be what stood before
		b.at, b.all, b.keys = at, all, keys
	}
	return all, keys, nil
}

func (b *Book) forget() {
	b.mu.Lock()
	b.all = nil
	b.age++
	b.mu.Unlock()
}

func (b *Book) words() *conversation.Words {
	if b.o.Words == nil {
		return nil
	}
	return b.o.Words()
}

func (b *Book) institution(name string) (conversation.Institution, bool) {
	if w := b.words(); w != nil {
		return w.Institution(name)
	}
	return conversation.Institution{}, false
}
