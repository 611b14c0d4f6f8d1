package sdk

import (
	"context"
	"encoding/json"
)

// A Delivery is an event for one receiver, which is a notify block of the configuration.
type Delivery struct {
	Receiver string          // the block's name, "ops"
	Config   json.RawMessage // the attributes of the type's own schema, defaults filled in
	Director string          // the director's name
	Event    Event
}

// A Notifier is a notify plugin as the core sees it.
type Notifier interface {
	// Deliver returns when the receiver has the event. The core calls it again, with the same event, until it has
	// returned nil or the event is too old; one receiver's events come in order and one at a time.
	Deliver(ctx context.Context, d Delivery) error
}
