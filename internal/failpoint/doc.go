// Package failpoint lets tests end this process, or make it panic, between two
// steps of a message's way.
//
//	ADUAN_FAILPOINT=after-commit:3 aduan serve …   (built with -tags failpoints)
//	code: … Commit ─ Hit(AfterCommit) ─ ROK …      third hit: SIGKILL to ourselves
//
// Without the build tag its functions are empty and vanish where they are
// called: no released binary can be told to fail. The promise tested by it is
// the fifth: a crash at any step loses nothing.
//
// Start with [Hit] and [Poison].
package failpoint

// Env is the variable that a build with failpoints reads: NAME:N, several by comma.
const Env = "ADUAN_FAILPOINT"

// HurryEnv is the variable by which a build with failpoints shortens pauses that last for minutes: "60" is 60 times.
const HurryEnv = "ADUAN_HURRY"

// The points, in a message's order.
const (
	AfterReceive = "after-receive" // a deliver_sm was taken from its lane
	BeforeCommit = "before-commit" // a turn, or a part of a long SMS, goes to the store
	AfterCommit  = "after-commit"  // the store has answered
	BeforeAck    = "before-ack"    // ESME_ROK is about to be given to the session
	AfterAck     = "after-ack"     // it was given
	BeforeSettle = "before-settle" // acknowledgements were proven, not yet stored
	BetweenParts = "between-parts" // a part of a long SMS was kept, or accepted by the SMSC, and another is missing
	BeforeSubmit = "before-submit" // a submit_sm is about to be written
	AfterSubmit  = "after-submit"  // it was answered
	BeforeDone   = "before-done"   // what became of an SMS goes to the store
	AfterDone    = "after-done"    // the store has answered
	PanicInStep  = "panic-in-step" // the conversation panics over a text that contains the token: panic-in-step:TOKEN
)
