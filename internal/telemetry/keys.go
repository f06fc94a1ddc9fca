package telemetry

// Keys of log fields: each name means one thing in every line.
const (
	KeyRoom     = "room"     // the package that speaks
	KeyLink     = "link"     // name of a link
	KeySession  = "session"  // id of an SMPP session
	KeyCommand  = "command"  // SMPP command
	KeyStatus   = "status"   // SMPP command_status, by name
	KeySequence = "sequence" // SMPP sequence_number
	KeyNumber   = "number"   // a telephone number, always masked
	KeyTicket   = "ticket"   // ticket number
	KeyMessage  = "message"  // id of an SMS of ours
	KeyEvent    = "event"    // id of an event
	KeyShard    = "shard"    // two digits
	KeyBoot     = "boot"     // id of a daemon's run
	KeyState    = "state"
	KeyReason   = "reason" // why, in words
	KeyAdvice   = "advice" // what to do, in words
	KeyError    = "error"
	KeyAttempt  = "attempt"  // counts from 1
	KeyAfter    = "after"    // the pause before the next attempt
	KeyTook     = "took"     // how long it took
	KeyCount    = "count"    // of what the message says
	KeyAddress  = "address"  // host:port, of a server
	KeySetting  = "setting"  // path of a configuration key
	KeyPromise  = "promise"  // what the store keeps, in a sentence
	KeyAgency   = "agency"   // name of an agency
	KeyKeyID    = "key_id"   // public part of an API key
	KeyRoute    = "route"    // pattern of an HTTP route, never the path asked for
	KeyMethod   = "method"   // HTTP method
	KeyHTTPCode = "code"     // HTTP status code
	KeyVersion  = "version"  // of this binary
	KeySegments = "segments" // parts of an SMS
	KeyAlphabet = "alphabet" // gsm7, ucs2
)
