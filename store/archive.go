package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/store/internal/redisd"
)

// What the archive needs: the citizen's key, which stays here so that it can be destroyed, and taking a ticket out.

// archiveField is the place that an archived ticket is sealed for.
const archiveField = "archive"

// ArchiveSeal seals what is archived of a ticket with the citizen's data key. nil: the citizen was erased.
func (r TicketRecord) ArchiveSeal(plain []byte) []byte {
	if r.Citizen.key == nil {
		return nil
	}
	return r.Citizen.key.seal(ticketKey(r.Shard, r.Serial), archiveField, plain)
}

// ArchiveOpen opens what ArchiveSeal gave. ErrNotFound: the citizen was erased.
func (s *Store) ArchiveOpen(ctx context.Context, owner CitizenID, serial uint64, sealed []byte) ([]byte, error) {
	c, err := s.Load(ctx, owner)
	if err != nil {
		return nil, err
	}
	return c.key.unseal(ticketKey(owner.Shard, serial), archiveField, sealed)
}

// HandsOn tells whether events of the ticket still wait for the case system.
func (s *Store) HandsOn(ctx context.Context, shard int, serial uint64) (bool, error) {
	n, err := s.rdb.Exists(ctx, handoffKey(shard, "t"+strconv.FormatUint(serial, 10))).Result()
	if err != nil {
		return false, fmt.Errorf("look whether events of a ticket wait: %w", err)
	}
	return n > 0, nil
}

// DropTicket takes a ticket and its SMS out of Redis, if it still is as r says. false: it has changed.
func (s *Store) DropTicket(ctx context.Context, r TicketRecord, sms []string) (bool, error) {
	key := ticketKey(r.Shard, r.Serial)
	gone := []string{key}
	for _, id := range sms {
		gone = append(gone, smsKey(r.Shard, id))
	}
	watched := []string{key}
	name, alias := "", ""
	if x, err := IndexOf(r.Head); err == nil {
		if name = s.keys.externalName(x.ExternalID); name != "" {
			alias = aliasKey(r.Shard, name)
			watched = append(watched, alias)
		}
	}
	changed := false
	err := s.rdb.Watch(ctx, func(tx *redis.Tx) error {
		now, err := s.ticket(ctx, r.Shard, r.Serial) // read after the watch has begun
		if errors.Is(err, ErrNotFound) || (err == nil && string(now.Head) != string(r.Head)) {
			changed = true
			return nil
		}
		if err != nil {
			return err
		}
		var others []string
		if alias != "" {
			list, err := tx.HGet(ctx, alias, name).Result()
			if err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			others = slices.DeleteFunc(splitIDs(list), func(n string) bool { return n == strconv.FormatUint(r.Serial, 10) })
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			if alias != "" && len(others) > 0 {
				p.HSet(ctx, alias, name, strings.Join(others, ","))
			} else if alias != "" {
				p.HDel(ctx, alias, name)
			}
			p.Del(ctx, gone...)
			return nil
		})
		return err
	}, watched...)
	switch {
	case errors.Is(err, redis.TxFailedErr):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("take %s out of the store: %w", key, err)
	}
	return !changed, nil
}

func archiveKey() string { return lineTag + "archive" }

// ArchiveNote is what the line knows of its archive.
type ArchiveNote struct {
	ID      string    `json:"id"`      // of the one folder that it is in; empty: there is none yet
	At      time.Time `json:"at"`      // when it was last brought up to date
	Waiting int       `json:"waiting"` // tickets that wait for a person's yes
}

// ArchiveNote reads it.
func (s *Store) ArchiveNote(ctx context.Context) (ArchiveNote, error) {
	var n ArchiveNote
	b, err := s.rdb.Get(ctx, archiveKey()).Bytes()
	if errors.Is(err, redis.Nil) {
		return n, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &n)
	}
	if err != nil {
		return n, fmt.Errorf("read where the archive is: %w", err)
	}
	return n, nil
}

// NoteArchive writes it.
func (s *Store) NoteArchive(ctx context.Context, n ArchiveNote) error {
	b, err := json.Marshal(n)
	if err == nil {
		err = s.rdb.Set(ctx, archiveKey(), b, 0).Err()
	}
	if err != nil {
		return fmt.Errorf("note where the archive is: %w", err)
	}
	return nil
}

// LockFile takes a lock on a file, for as long as the process lives or until what it gives is closed. ErrFenced: another
// process has it.
func LockFile(path string) (io.Closer, error) {
	f, err := redisd.Lock(path)
	if errors.Is(err, redisd.ErrLocked) {
		return nil, fmt.Errorf("%s: %w", path, ErrFenced)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}
