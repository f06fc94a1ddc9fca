package turn

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"aduan/internal/desk"
	"aduan/store"
)

// hashedBy says how a text's hash is made, for who reads the record.
const hashedBy = "HMAC-SHA-256 under the citizen's data key, 96 bits, base64url"

// tolerance is how far an SMS's own times may be from those of the trail: both come from one step, in whole milliseconds.
const tolerance = 2 * time.Second

// Proof is the record that the citizen of a ticket was told: which texts, by hashes that only the citizen's own key makes;
// when the SMSC took each; when a receipt said that it was delivered; and where the audit trail says so.
func (d *Desk) Proof(ctx context.Context, r desk.ProofRequest) (desk.ProofView, error) {
	rec, head, err := d.load(ctx, r.Number, r.Viewer)
	if err != nil {
		return desk.ProofView{}, err
	}
	view := desk.ProofView{
		Ticket: r.Number.String(), Status: string(head.Status), FiledAt: head.FiledAt, Citizen: citizenView(rec, head, r.Viewer),
		MadeAt: d.t.o.Now(), Chain: store.ChainName(r.Number.Shard()), Erased: head.Erased, HashedBy: hashedBy,
	}
	var ids []string
	for i := 1; i <= head.Messages; i++ {
		if id := rec.Entries[messageField(i)]; len(id) > 0 {
			ids = append(ids, string(id))
		}
	}
	msgs, err := d.t.o.Store.Messages(ctx, ids)
	if err != nil {
		return desk.ProofView{}, unavailable(err)
	}
	marks, err := d.marks(ctx, r)
	if err != nil {
		return desk.ProofView{}, err
	}
	for i := range msgs {
		view.Notices = append(view.Notices, notice(&msgs[i], marks[nick(msgs[i].ID)], rec.Citizen, r.Text))
	}
	if view.Citizen.Number != "" {
		if err := d.shown(ctx, r.Viewer, r.Number); err != nil {
			return desk.ProofView{}, err
		}
	}
	return view, nil
}

// nick is what tells an SMS from the others of its ticket, as lib.lua's proven writes it.
func nick(id string) string {
	if len(id) < 26 {
		return id
	}
	return id[22:26]
}

// marks are the trail's records of a ticket's SMS, oldest first, by nick.
func (d *Desk) marks(ctx context.Context, r desk.ProofRequest) (map[string][]store.AuditRecord, error) {
	marks := map[string][]store.AuditRecord{}
	q := store.AuditQuery{Shard: r.Number.Shard(), Ticket: r.Number.Serial(), Action: "sms", Limit: 1000}
	for {
		page, next, err := d.t.o.Store.AuditTrail(ctx, q)
		if errors.Is(err, store.ErrDamaged) {
			return nil, err
		}
		if err != nil {
			return nil, unavailable(err)
		}
		for _, rec := range page {
			if len(rec.Ref) >= 4 {
				marks[rec.Ref[:4]] = append(marks[rec.Ref[:4]], rec)
			}
		}
		if next == "" {
			break
		}
		q.Cursor = next
	}
	for _, of := range marks {
		slices.Reverse(of)
	}
	return marks, nil
}

// notice is one SMS in the record.
func notice(m *store.Message, marks []store.AuditRecord, c store.Citizen, text *string) desk.NoticeView {
	v := desk.NoticeView{
		Message: m.ID, TextHash: m.Proof, State: m.State, Link: m.Link,
		Queued: at(m, store.StateQueued), Accepted: at(m, store.StateSent), Delivered: at(m, store.StateDelivered), Agrees: true,
	}
	said := map[string]bool{}
	for _, rec := range marks {
		what := strings.TrimPrefix(rec.Action, "sms.")
		v.Records = append(v.Records, desk.ProofMark{What: what, At: rec.At.UTC(), Record: rec.Seq})
		stands, ok := m.Times[what]
		apart := stands.Sub(rec.At)
		if said[what] = true; !ok || apart > tolerance || apart < -tolerance || (what == store.StateSent && rec.Ref[4:] != m.Proof) {
			v.Agrees = false
		}
	}
	for _, what := range []string{store.StateSent, store.StateDelivered} {
		if _, stands := m.Times[what]; stands && !said[what] {
			v.Agrees = false
		}
	}
	if text != nil && m.Proof != "" {
		if hash := c.Proof(*text); hash != "" {
			same := hash == m.Proof
			v.Same = &same
		}
	}
	return v
}

func at(m *store.Message, state string) *time.Time {
	t, ok := m.Times[state]
	if !ok || t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
