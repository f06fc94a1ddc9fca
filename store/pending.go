package store

import (
	"context"
	"time"
)

func (s *Store) Commit(ctx context.Context, t *Turn) (Outcome, error) { panic("later") }
func (s *Store) Mark(ctx context.Context, id CitizenID, digest string) (Mark, bool, error) {
	panic("later")
}
func (s *Store) Redeliver(ctx context.Context, id CitizenID, boot string, deadline time.Time, digest, expect, newID, session string) (Mark, bool, error) {
	panic("later")
}
func (s *Store) Settle(ctx context.Context, refs []MarkRef) error                { panic("later") }
func (s *Store) Done(ctx context.Context, d Done) (*Outgoing, error)              { panic("later") }
func (s *Store) Release(ctx context.Context, boot string, sms []Outgoing, at time.Time) error { panic("later") }
func (s *Store) Receipt(ctx context.Context, r ReceiptUpdate) (bool, error)       { panic("later") }
func (s *Store) Claim(ctx context.Context, c Claim) (Claimed, error)              { panic("later") }
func (s *Store) Held(ctx context.Context, boot string, shards []int) ([]Outgoing, error) {
	panic("later")
}
func (s *Store) TakeOver(ctx context.Context, deadBoot string) (int, error) { panic("later") }
func (s *Store) RunBoot(ctx context.Context, ev BootEvents) error            { panic("later") }
func (s *Store) MaySend() bool                                               { panic("later") }
func (s *Store) BootDead(bootID string) bool                                 { panic("later") }
func (s *Store) BootID() string                                              { panic("later") }
func (s *Store) RedisNow() (time.Time, bool)                                 { panic("later") }
func (s *Store) KeepPart(ctx context.Context, p Part) (PartOutcome, error)   { panic("later") }
func (s *Store) Group(ctx context.Context, ref GroupRef) (Group, bool, error) {
	panic("later")
}
func (s *Store) Ticket(ctx context.Context, shard int, serial uint64) (TicketRecord, error) {
	panic("later")
}
func (s *Store) Messages(ctx context.Context, ids []string) ([]Message, error) { panic("later") }
func (s *Store) Handoff(ctx context.Context, ref HandoffRef, n int) ([]Event, error) {
	panic("later")
}
func (s *Store) Handed(ctx context.Context, ref HandoffRef, eventID string, leaseUntil time.Time) (bool, error) {
	panic("later")
}
func (s *Store) Postpone(ctx context.Context, ref HandoffRef, at time.Time) error { panic("later") }
func (s *Store) Events(ctx context.Context, cursor string, limit int) ([]Event, string, error) {
	panic("later")
}

type metrics struct{}

func newMetrics(any) *metrics { return nil }

type committers struct{}

func newCommitters(any, any, any) *committers { return nil }

type bootState struct{}

func newBootState(any) *bootState { return nil }
func asStrings([]any) []string    { return nil }

