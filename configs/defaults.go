package configs

import "time"

// day is what "d" means in a duration.
const day = 24 * time.Hour

// Defaults is a configuration that says nothing: no link, no addresses, and for the rest the contract's values.
func Defaults() *Config {
	return &Config{
		Line: Line{
			ShortCode:  "1708",
			Region:     "ID",
			Language:   "id",
			Timezone:   "Asia/Jakarta",
			QuietHours: QuietHours{On: true, From: 21 * time.Hour, To: 6 * time.Hour},
		},
		Conversation: Conversation{
			Continuation: 30 * time.Minute,
			Flood:        Flood{Count: 10, Per: 10 * time.Minute},
			Answers:      Answers{PerDay: 100},
			Limits:       Limits{Verify: 3, Answer: 5, Remind: 1, Escalate: 2, Citizen: 10},
			Surge:        Surge{Count: 20, Times: 5},
		},
		Store: Store{
			Mode:    ModeAuto,
			DataDir: "./data",
			Kept:    Kept{Fsync: "always", Wait: time.Second},
		},
		SMPP: SMPP{
			Redelivery:      24 * time.Hour,
			SegmentsTimeout: 10 * time.Minute,
			ReceiptsGrace:   72 * time.Hour,
			SMSExpire:       72 * time.Hour,
			Links:           map[string]Link{},
		},
		CaseSystem:      CaseSystem{Agencies: map[string]AgencyWebhook{}},
		HTTP:            HTTP{Listen: "127.0.0.1:8080"},
		Retention:       Retention{Tickets: 1825 * day, Events: 30 * day},
		ShutdownTimeout: 20 * time.Second,
		Log:             Log{Level: "info", Format: "json"},
	}
}

// DefaultLink is a link of which only address, system_id and password are still to be said.
func DefaultLink() Link {
	return Link{
		Source:          Numbering{TON: 3, NPI: 0},
		Destination:     Numbering{TON: 1, NPI: 1},
		Alphabet:        "gsm7",
		Receipts:        true,
		Bind:            BindTransceiver,
		Sessions:        1,
		Takeover:        10 * time.Second,
		Window:          50,
		EnquireLink:     30 * time.Second,
		ResponseTimeout: 10 * time.Second,
		AckWithin:       5 * time.Second,
		Reconnect:       Reconnect{Min: time.Second, Max: time.Minute},
	}
}
