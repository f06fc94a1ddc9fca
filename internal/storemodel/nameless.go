package storemodel

import (
	"context"
	"fmt"

	"aduan/store"
)

// Nameless is somebody in this shard who has no telephone.
func (s *Store) Nameless(shard int) (store.Citizen, error) {
	c := store.Citizen{ID: store.CitizenID{Shard: shard}}
	s.r.locked(func() {
		s.ids++
		c.ID.Hash = fmt.Sprintf("nobody-%s-%d", s.name, s.ids)
	})
	return c, nil
}

// NoteRequest notes what a request with an Idempotency-Key asks, and gives what was noted first.
func (s *Store) NoteRequest(ctx context.Context, shard int, key, fingerprint string) (first string, err error) {
	got := new(string)
	err = s.do(ctx, "claim", func() {
		at := answerKey{shard, key}
		if _, ok := s.r.claims[at]; !ok {
			s.r.claims[at] = fingerprint
		}
		*got = s.r.claims[at]
	})
	if err != nil {
		return "", err
	}
	return *got, nil
}
