package consoletest

import (
	"context"
	"slices"

	"aduan/internal/desk"
)

// Book is the office's agencies.
type Book struct{ *Office }

// List is all of them.
func (b Book) List(context.Context, desk.Viewer) ([]desk.Agency, error) {
	b.Lock()
	defer b.Unlock()
	return slices.Clone(b.Entries), nil
}

// Get is one.
func (b Book) Get(_ context.Context, _ desk.Viewer, name string) (desk.Agency, error) {
	b.Lock()
	defer b.Unlock()
	for _, a := range b.Entries {
		if a.Name == name {
			return a, nil
		}
	}
	return desk.Agency{}, desk.ErrNotFound
}

// Put changes one where its version is the one that was read.
func (b Book) Put(_ context.Context, r desk.PutAgencyRequest) (desk.Agency, bool, error) {
	b.Lock()
	defer b.Unlock()
	for i, a := range b.Entries {
		if a.Name != r.Agency.Name {
			continue
		}
		if r.If != nil && *r.If != a.Version {
			return a, false, desk.ErrChanged
		}
		r.Agency.Version, r.Agency.UpdatedBy, r.Agency.UpdatedAt = a.Version+1, r.Viewer.Name, b.Clock
		b.Entries[i] = r.Agency
		return r.Agency, false, nil
	}
	return desk.Agency{}, false, desk.ErrNotFound
}
