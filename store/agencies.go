package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// What callers of PutAgency and DeleteAgency decide on.
var (
	// ErrVersion: it is not of the version that the caller expects; nothing was written.
	ErrVersion = errors.New("another version stands")
	// ErrCycle: its superior would be below it; nothing was written.
	ErrCycle = errors.New("an agency cannot stand below itself")
	// ErrInUse: something still names it; nothing was written.
	ErrInUse = errors.New("it is still in use")
)

// Agency is what is kept of an agency. The tree is the store's to guard; what else is told of it is the caller's.
type Agency struct {
	Name    string // its id
	Parent  string // its superior; "": none
	Version uint64 // counts its changes, from 1
	Data    []byte // JSON
}

// storedAgency is an agency as it stands in Redis.
type storedAgency struct {
	V       int             `json:"v"`
	Parent  string          `json:"parent,omitempty"`
	Version uint64          `json:"version"`
	Data    json.RawMessage `json:"data"`
}

func agenciesKey() string { return lineTag + "agencies" }

// Agencies gives all agencies of which something is kept, by name.
func (s *Store) Agencies(ctx context.Context) ([]Agency, error) {
	all, err := readAgencies(ctx, s.rdb)
	if err != nil {
		return nil, err
	}
	list := make([]Agency, 0, len(all))
	for _, a := range all {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Agency) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// PutAgency writes an agency where its version is still want (0: there is none; nil: whatever it is), and gives the
// version that stands then. superior tells where those stand of which nothing is kept; nil: nowhere.
func (s *Store) PutAgency(ctx context.Context, a Agency, want *uint64, superior func(name string) string) (uint64, error) {
	if a.Name == "" {
		return 0, errors.New("put an agency: it has no name")
	}
	version := uint64(0)
	err := s.changeAgencies(ctx, func(tx *redis.Tx, all map[string]Agency) (func(redis.Pipeliner), error) {
		if want != nil && all[a.Name].Version != *want {
			return nil, ErrVersion
		}
		if below(all, a, superior) {
			return nil, ErrCycle
		}
		version = all[a.Name].Version + 1
		b, err := json.Marshal(storedAgency{V: 1, Parent: a.Parent, Version: version, Data: a.Data})
		if err != nil {
			return nil, err
		}
		return func(p redis.Pipeliner) {
			p.HSet(ctx, agenciesKey(), a.Name, encodePlain(agenciesKey(), a.Name, b))
		}, nil
	})
	if err != nil {
		return 0, fmt.Errorf("put an agency: %w", err)
	}
	return version, nil
}

// below tells whether a's new superior stands below it.
func below(all map[string]Agency, a Agency, superior func(string) string) bool {
	seen := map[string]bool{}
	for at := a.Parent; at != ""; {
		if at == a.Name {
			return true
		}
		if seen[at] { // a circle that was there before: not of this agency's making
			return false
		}
		seen[at] = true
		switch up, ok := all[at]; {
		case ok:
			at = up.Parent
		case superior != nil:
			at = superior(at)
		default:
			at = ""
		}
	}
	return false
}

// DeleteAgency forgets an agency that no other stands below, and to which no valid key belongs: ErrInUse says which.
// want is as in PutAgency. ErrNotFound where there is none.
func (s *Store) DeleteAgency(ctx context.Context, name string, want *uint64) error {
	err := s.changeAgencies(ctx, func(tx *redis.Tx, all map[string]Agency) (func(redis.Pipeliner), error) {
		had, ok := all[name]
		switch {
		case !ok:
			return nil, ErrNotFound
		case want != nil && had.Version != *want:
			return nil, ErrVersion
		}
		for _, a := range all {
			if a.Parent == name {
				return nil, fmt.Errorf("%w: another agency stands below it", ErrInUse)
			}
		}
		keys, err := tx.HGetAll(ctx, apiKeysKey()).Result()
		if err != nil {
			return nil, err
		}
		for id, b := range keys {
			k, err := decodeKey(id, b)
			if err != nil {
				return nil, err
			}
			if k.Agency == name && !k.Revoked && (k.Expires.IsZero() || s.opt.Now().Before(k.Expires)) {
				return nil, fmt.Errorf("%w: an API key belongs to it", ErrInUse)
			}
		}
		return func(p redis.Pipeliner) { p.HDel(ctx, agenciesKey(), name) }, nil
	})
	if err != nil {
		return fmt.Errorf("delete an agency: %w", err)
	}
	return nil
}

// changeAgencies writes what change says of the agencies as they stand, again where another was first.
func (s *Store) changeAgencies(ctx context.Context, change func(*redis.Tx, map[string]Agency) (func(redis.Pipeliner), error)) error {
	var err error
	for range keyRetries {
		err = s.rdb.Watch(ctx, func(tx *redis.Tx) error {
			all, err := readAgencies(ctx, tx)
			if err != nil {
				return err
			}
			write, err := change(tx, all)
			if err != nil {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error { write(p); return nil })
			return err
		}, agenciesKey(), apiKeysKey())
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
	return err
}

func readAgencies(ctx context.Context, c redis.Cmdable) (map[string]Agency, error) {
	stored, err := c.HGetAll(ctx, agenciesKey()).Result()
	if err != nil {
		return nil, fmt.Errorf("read the agencies: %w", err)
	}
	all := make(map[string]Agency, len(stored))
	for name, v := range stored {
		b, err := decodePlain(agenciesKey(), name, []byte(v))
		if err != nil {
			return nil, err
		}
		var a storedAgency
		if err := json.Unmarshal(b, &a); err != nil {
			return nil, damaged(agenciesKey(), name, errors.New("it is no agency"))
		}
		all[name] = Agency{Name: name, Parent: a.Parent, Version: a.Version, Data: a.Data}
	}
	return all, nil
}
