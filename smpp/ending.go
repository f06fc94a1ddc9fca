package smpp

import "errors"

// The reasons of aduan_smpp_reconnects_total: why a session ended, or never came to be.
const (
	endConnect    = "cannot_connect"
	endTLS        = "tls"
	endRefused    = "bind_refused"
	endUnanswered = "bind_unanswered"
	endSilent     = "enquire_link_unanswered" // a half-open connection, or a peer that stands still
	endUnread     = "cannot_write"            // a peer that reads nothing, or is gone
	endLeft       = "closed_by_smsc"
	endUnbound    = "unbound_by_smsc"
	endLength     = "command_length" // nothing behind a false length can be read
	endDropped    = "dropped"        // by us, at once: the process stood still, the lease was lost
	endBroken     = "connection_broken"
)

var endings = []string{
	endConnect, endTLS, endRefused, endUnanswered, endSilent, endUnread, endLeft, endUnbound, endLength, endDropped, endBroken,
}

var (
	errBindUnanswered = errors.New("no answer to our bind")
	errCannotWrite    = errors.New("cannot write")
)

// ending is the reason that an attempt's error is counted under.
func ending(err error) string {
	var refused *BindError
	var connect *connectError
	var secure *TLSError
	var length *FrameError
	switch {
	case errors.As(err, &secure):
		return endTLS
	case errors.As(err, &refused):
		return endRefused
	case errors.As(err, &connect):
		return endConnect
	case errors.Is(err, errBindUnanswered):
		return endUnanswered
	case errors.Is(err, errSilent):
		return endSilent
	case errors.Is(err, errCannotWrite):
		return endUnread
	case errors.Is(err, errPeerLeft):
		return endLeft
	case errors.Is(err, errPeerUnbound):
		return endUnbound
	case errors.As(err, &length):
		return endLength
	case errors.Is(err, errDropped):
		return endDropped
	}
	return endBroken
}
