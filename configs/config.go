package configs

import "time"

// Config is everything that a line can be told. Keys are in the yaml file as tagged here.
type Config struct {
	Line            Line          `mapstructure:"line"`
	Conversation    Conversation  `mapstructure:"conversation"`
	Store           Store         `mapstructure:"store"`
	SMPP            SMPP          `mapstructure:"smpp"`
	HTTP            HTTP          `mapstructure:"http"`
	CaseSystem      CaseSystem    `mapstructure:"case_system"`
	Retention       Retention     `mapstructure:"retention"`
	ShutdownTimeout time.Duration `mapstructure:"shutdown_timeout"` // from SIGTERM to exit, at most
	Log             Log           `mapstructure:"log"`
	Profiles        bool          `mapstructure:"profiles"` // aduan profile may take profiles of the daemon over its unix socket
}

// Line is what citizens know of the line.
type Line struct {
	ShortCode  string     `mapstructure:"short_code"` // what citizens text to
	Region     string     `mapstructure:"region"`     // ISO 3166 region in which national numbers are read
	Language   string     `mapstructure:"language"`   // first language
	Timezone   string     `mapstructure:"timezone"`   // IANA name; see Location
	QuietHours QuietHours `mapstructure:"quiet_hours"`
	Files      string     `mapstructure:"files"` // a folder laid over the built-in catalogues; "": none
}

// Location is the line's time zone.
func (l Line) Location() *time.Location {
	loc, err := time.LoadLocation(l.Timezone)
	if err != nil { // Load has refused it
		return time.UTC
	}
	return loc
}

// Conversation holds the limits of a talk with a citizen.
type Conversation struct {
	Continuation time.Duration `mapstructure:"continuation"` // how long a further text belongs to the ticket just filed
	Flood        Flood         `mapstructure:"flood"`
	Answers      Answers       `mapstructure:"answers"`
	Limits       Limits        `mapstructure:"limits"`
	Surge        Surge         `mapstructure:"surge"`
}

// Answers are the caps of what is sent in answer.
type Answers struct {
	PerDay      int `mapstructure:"per_day"`       // to one number
	LinePerHour int `mapstructure:"line_per_hour"` // of the whole line; only alarms; 0: off
}

// Surge is how many complaints of one category and place within an hour are told, and how the line answers when it is behind.
type Surge struct {
	Count int `mapstructure:"count"` // at least; 0: off
	Times int `mapstructure:"times"` // of the usual hour of the week before
	Brief int `mapstructure:"brief"` // from so many SMS behind, a new ticket is answered with its number alone; 0: never
}

// Limits are what the line promises.
type Limits struct {
	Verify   int `mapstructure:"verify"`   // working days
	Answer   int `mapstructure:"answer"`   // working days
	Remind   int `mapstructure:"remind"`   // working days before a limit
	Escalate int `mapstructure:"escalate"` // working days after it
	Citizen  int `mapstructure:"citizen"`  // days of the calendar
}

// Flood is how many messages of one citizen in how long are answered.
type Flood struct {
	Count int           `mapstructure:"count"`
	Per   time.Duration `mapstructure:"per"`
}

// Modes of the store.
const (
	ModeAuto     = "auto"     // external where addresses are given, else managed, else embedded
	ModeExternal = "external" // a Redis that somebody else runs
	ModeManaged  = "managed"  // a supervised child redis-server
	ModeEmbedded = "embedded" // in memory: a trial
)

// Store is where everything is kept.
type Store struct {
	Mode               string    `mapstructure:"mode"`
	Addresses          []string  `mapstructure:"addresses"`       // host:port, or unix:/path
	SentinelMaster     string    `mapstructure:"sentinel_master"` // set: addresses are sentinels
	Cluster            bool      `mapstructure:"cluster"`         // addresses are cluster nodes
	Username           string    `mapstructure:"username"`
	Password           Secret    `mapstructure:"password"`
	PasswordFile       string    `mapstructure:"password_file"`
	TLS                ClientTLS `mapstructure:"tls"`
	DataDir            string    `mapstructure:"data_dir"` // line.json; managed: the append-only file too
	KeyFile            string    `mapstructure:"key_file"` // 32 raw bytes; the store checks them and their mode
	Kept               Kept      `mapstructure:"kept"`
	AcceptFailoverLoss bool      `mapstructure:"accept_failover_loss"`
}

// External says whether somebody else runs the Redis.
func (s Store) External() bool {
	return s.Mode == ModeExternal || s.Mode == ModeAuto && len(s.Addresses) > 0
}

// Kept is what Redis must have done before a message counts as kept.
type Kept struct {
	Fsync    string        `mapstructure:"fsync"`    // always, everysec, none
	Replicas int           `mapstructure:"replicas"` // WAIT for so many
	Wait     time.Duration `mapstructure:"wait"`     // at most so long
}

// SMPP is the links to the operators.
type SMPP struct {
	DefaultLink     string          `mapstructure:"default_link"`     // for messages that answer nobody and match no prefix
	Redelivery      time.Duration   `mapstructure:"redelivery"`       // how long the mark of an unproven message stands
	SegmentsTimeout time.Duration   `mapstructure:"segments_timeout"` // then a text with gaps is filed
	ReceiptsGrace   time.Duration   `mapstructure:"receipts_grace"`   // how long an SMS waits for its receipt, and a receipt for its SMS
	SMSExpire       time.Duration   `mapstructure:"sms_expire"`       // not accepted for so long: expired
	Links           map[string]Link `mapstructure:"links"`            // by name, a-z and 0-9
}

// Default is the link for messages that no other rule places: default_link, else the only one, else "".
func (s SMPP) Default() string {
	if s.DefaultLink == "" && len(s.Links) == 1 {
		for name := range s.Links {
			return name
		}
	}
	return s.DefaultLink
}

// Kinds of bind.
const (
	BindTransceiver = "transceiver"
	BindPair        = "pair" // a transmitter and a receiver
)

// Link is the way to one operator.
type Link struct {
	Address         string        `mapstructure:"address"` // host:port
	SystemID        string        `mapstructure:"system_id"`
	Password        Secret        `mapstructure:"password"`
	PasswordFile    string        `mapstructure:"password_file"`
	SystemType      string        `mapstructure:"system_type"`
	ServiceType     string        `mapstructure:"service_type"`
	AddressRange    string        `mapstructure:"address_range"`
	Source          Numbering     `mapstructure:"source"`
	Destination     Numbering     `mapstructure:"destination"`
	Alphabet        string        `mapstructure:"alphabet"`        // what data_coding 0 means
	NationalTables  []string      `mapstructure:"national_tables"` // shift tables (3GPP TS 23.038 Annex A) that may be sent
	Receipts        bool          `mapstructure:"receipts"`        // ask for delivery receipts
	Bind            string        `mapstructure:"bind"`            // transceiver, pair
	Sessions        int           `mapstructure:"sessions"`        // parallel binds
	Exclusive       bool          `mapstructure:"exclusive"`       // of several daemons one holds the bind
	Takeover        time.Duration `mapstructure:"takeover"`        // of an exclusive bind, after its holder's death
	Window          int           `mapstructure:"window"`          // submit_sm outstanding, a session
	Rate            float64       `mapstructure:"rate"`            // submit_sm a second over all daemons; 0: no limit of ours
	EnquireLink     time.Duration `mapstructure:"enquire_link"`
	ResponseTimeout time.Duration `mapstructure:"response_timeout"`
	AckWithin       time.Duration `mapstructure:"ack_within"` // at most half of the SMSC's own response timer
	Reconnect       Reconnect     `mapstructure:"reconnect"`
	TLS             ClientTLS     `mapstructure:"tls"`
	Prefixes        []string      `mapstructure:"prefixes"` // digits of E.164, without "+" once loaded
	Fallback        []string      `mapstructure:"fallback"` // links that may carry its messages while it is down
}

// Numbering is the dress of an address (SMPP 3.4 §5.2.5, §5.2.6).
type Numbering struct {
	TON byte `mapstructure:"ton"`
	NPI byte `mapstructure:"npi"`
}

// Reconnect bounds the pauses between binds.
type Reconnect struct {
	Min time.Duration `mapstructure:"min"`
	Max time.Duration `mapstructure:"max"`
}

// ClientTLS is TLS towards a server. Verification cannot be switched off.
type ClientTLS struct {
	Enabled    bool   `mapstructure:"enabled"`
	CAFile     string `mapstructure:"ca_file"`     // "": the system's
	ServerName string `mapstructure:"server_name"` // "": the host that is dialled
	CertFile   string `mapstructure:"cert_file"`
	KeyFile    string `mapstructure:"key_file"`
}

// HTTP is the one listener: staff API, console, health, metrics.
type HTTP struct {
	Listen         string    `mapstructure:"listen"`          // host:port; port 0: any free one
	Hosts          []string  `mapstructure:"hosts"`           // Host names answered besides localhost and the listener's own
	TLS            ServerTLS `mapstructure:"tls"`             // both or none
	TrustedProxies []string  `mapstructure:"trusted_proxies"` // addresses or CIDR ranges whose X-Forwarded-For is believed
}

// ServerTLS is the listener's certificate.
type ServerTLS struct {
	CertFile string `mapstructure:"cert_file"`
	KeyFile  string `mapstructure:"key_file"`
}

// CaseSystem is where events are handed on.
type CaseSystem struct {
	Webhook  Webhook                  `mapstructure:"webhook"`
	Agencies map[string]AgencyWebhook `mapstructure:"agencies"` // by a short name, a-z and 0-9
	Digest   string                   `mapstructure:"digest"`   // time of day of the event line.digest, "07:00"; "": off
}

// Hands says whether any endpoint is configured.
func (c CaseSystem) Hands() bool { return c.Webhook.URL != "" || len(c.Agencies) > 0 }

// DigestAt is Digest since midnight in the line's time zone; false: off.
func (c CaseSystem) DigestAt() (time.Duration, bool) {
	at, err := clock(c.Digest)
	return at, err == nil
}

// AgencyWebhook is the endpoint of the tickets of one agency.
type AgencyWebhook struct {
	Agency     string   `mapstructure:"agency"` // as tickets and keys call it
	URL        string   `mapstructure:"url"`
	Secret     Secret   `mapstructure:"secret"`
	SecretFile string   `mapstructure:"secret_file"`
	Allow      []string `mapstructure:"allow"`
}

// Webhook is the case system's endpoint.
type Webhook struct {
	URL        string   `mapstructure:"url"`    // https, http on loopback only; "": events are only pulled
	Secret     Secret   `mapstructure:"secret"` // whsec_…, two by a space while rotating
	SecretFile string   `mapstructure:"secret_file"`
	Allow      []string `mapstructure:"allow"` // private ranges that may be dialled
}

// Retention is how long things are kept.
type Retention struct {
	Tickets time.Duration `mapstructure:"tickets"` // closed ones
	Events  time.Duration `mapstructure:"events"`
}

// Log says what is logged and how.
type Log struct {
	Level  string `mapstructure:"level"`  // debug, info, warn, error
	Format string `mapstructure:"format"` // json, console
}
