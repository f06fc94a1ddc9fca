package store

import (
	"context"
)

// BootEvents are told what befalls boots.
type BootEvents struct {
	// Dead is told of a boot that has died; it takes over what that boot held. It may be called for several boots at once.
	Dead func(ctx context.Context, bootID string)
	// Fenced is told that we were fenced, or stood still for 3 s: sessions must be dropped unread. A new BootID stands when it is called.
	Fenced func()
}
