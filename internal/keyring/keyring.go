package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"aduan/internal/desk"
	"aduan/store"
)

// keeper is what a Ring needs of the store; *store.Store is one.
type keeper interface {
	ListKeys(ctx context.Context) ([]store.APIKey, error)
	KeyByID(ctx context.Context, id string) (store.APIKey, error)
	MakeKey(ctx context.Context, k store.APIKey, c store.KeyChange) (store.APIKey, string, error)
	Rotate(ctx context.Context, id string, c store.KeyChange) (store.APIKey, string, error)
	Revoke(ctx context.Context, id string, c store.KeyChange) error
}

// Ring is all keys, as far as whoever asks may see them.
type Ring struct {
	Store keeper
	Now   func() time.Time
}

// Keys lists keys, the oldest first; of an agency, its own.
func (r Ring) Keys(ctx context.Context, v desk.Viewer) ([]desk.KeyView, error) {
	all, err := r.Store.ListKeys(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	views := []desk.KeyView{}
	for _, k := range all {
		if v.Agency == "" || k.Agency == v.Agency {
			views = append(views, View(k, r.Now()))
		}
	}
	return views, nil
}

// View is a key as it is listed.
func View(k store.APIKey, now time.Time) desk.KeyView {
	v := desk.KeyView{
		ID: k.ID, Prefix: k.Prefix(), Name: k.Name, Scopes: slices.Clone(k.Scopes), Agency: k.Agency, State: "valid", Created: k.Created.UTC(),
		Expires: known(k.Expires), LastUsed: known(k.LastUsed),
	}
	switch {
	case k.Revoked:
		v.State = "revoked"
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		v.State = "expired"
	case now.Before(k.OldUntil):
		v.OldUntil = known(k.OldUntil)
	}
	return v
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// NewKey makes a key and gives its secret, once.
func (r Ring) NewKey(ctx context.Context, q desk.NewKeyRequest) (desk.KeyView, string, error) {
	if q.Agency == "" {
		q.Agency = q.Viewer.Agency
	}
	if err := r.mayGive(ctx, q.Viewer, q.Scopes, q.Agency, q.Expires); err != nil {
		return desk.KeyView{}, "", err
	}
	k, secret, err := r.Store.MakeKey(ctx, store.APIKey{Name: q.Name, Scopes: q.Scopes, Agency: q.Agency, Expires: q.Expires}, change(q.Viewer, q.Idempotency))
	if err != nil {
		return desk.KeyView{}, "", refusal(err)
	}
	return View(k, r.Now()), secret, nil
}

// RotateKey gives a key a new secret, which whoever asks then knows: so it must be able to give such a key.
func (r Ring) RotateKey(ctx context.Context, q desk.KeyRequest) (desk.KeyView, string, error) {
	k, err := r.own(ctx, q)
	if err != nil {
		return desk.KeyView{}, "", err
	}
	if err := r.mayGive(ctx, q.Viewer, k.Scopes, k.Agency, k.Expires); err != nil {
		return desk.KeyView{}, "", err
	}
	k, secret, err := r.Store.Rotate(ctx, q.ID, change(q.Viewer, q.Idempotency))
	if err != nil {
		return desk.KeyView{}, "", refusal(err)
	}
	return View(k, r.Now()), secret, nil
}

// RevokeKey ends a key at once, everywhere.
func (r Ring) RevokeKey(ctx context.Context, q desk.KeyRequest) error {
	if _, err := r.own(ctx, q); err != nil {
		return err
	}
	return refusal(r.Store.Revoke(ctx, q.ID, change(q.Viewer, nil)))
}

// own finds a key that the viewer may know of: another agency's is as one that does not exist.
func (r Ring) own(ctx context.Context, q desk.KeyRequest) (store.APIKey, error) {
	all, err := r.Store.ListKeys(ctx)
	if err != nil {
		return store.APIKey{}, unavailable(err)
	}
	i := slices.IndexFunc(all, func(k store.APIKey) bool {
		return k.ID == q.ID && (q.Viewer.Agency == "" || k.Agency == q.Viewer.Agency)
	})
	if i < 0 {
		return store.APIKey{}, desk.ErrNotFound
	}
	return all[i], nil
}

// mayGive refuses what the viewer's own key has not.
func (r Ring) mayGive(ctx context.Context, v desk.Viewer, scopes []string, agency string, expires time.Time) error {
	if v.Agency != "" && agency != v.Agency {
		return desk.ErrMoreThanOwn
	}
	for _, s := range scopes {
		if !slices.Contains(store.Scopes, s) {
			return &desk.Invalid{Field: "scopes", Reason: "expected tickets:read, tickets:write, pii:read, operate, admin"}
		}
		if !v.Allows(s) {
			return desk.ErrMoreThanOwn
		}
	}
	giver, err := r.Store.KeyByID(ctx, v.KeyID)
	switch {
	case errors.Is(err, store.ErrNoKey):
		return desk.ErrMoreThanOwn // it ended meanwhile
	case err != nil:
		return unavailable(err)
	case !giver.Expires.IsZero() && (expires.IsZero() || expires.After(giver.Expires)):
		return desk.ErrMoreThanOwn
	}
	return nil
}

func change(v desk.Viewer, idem *desk.Idempotency) store.KeyChange {
	c := store.KeyChange{By: v.KeyID, From: v.From}
	if idem != nil {
		c.Once, c.Fingerprint = idem.Key, idem.Fingerprint
	}
	return c
}

func refusal(err error) error {
	var invalid *store.KeyInvalid
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return desk.ErrNotFound
	case errors.Is(err, store.ErrKeyRevoked):
		return desk.ErrKeyRevoked
	case errors.Is(err, store.ErrKeyMisused):
		return desk.ErrKeyMisused
	case errors.As(err, &invalid):
		return &desk.Invalid{Field: invalid.Field, Reason: invalid.Reason}
	default:
		return unavailable(err)
	}
}

func unavailable(err error) error { return fmt.Errorf("%w: %w", desk.ErrUnavailable, err) }
