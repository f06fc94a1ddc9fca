package turn

import (
	"encoding/json"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/store"
)

func TestTheStoreReadsFromAHeadWhatTheTurnTellsIt(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 123456789, time.UTC)
	for _, status := range append(conversation.Statuses(), "") {
		for _, head := range []conversation.Ticket{
			{Status: status, FiledAt: at},
			{Status: status, FiledAt: at, DueAt: at.Add(time.Hour), Limit: conversation.LimitVerify, Agency: "PLN", ExternalID: "K-1", Likely: "Polri"},
			{Status: status, FiledAt: at, Erased: true},
		} {
			data, err := json.Marshal(&head)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := store.IndexOf(data); err != nil || got != *indexOf(&head) {
				t.Errorf("%s: the store reads %+v, %v; the turn tells %+v", status, got, err, *indexOf(&head))
			}
		}
	}
}
