package presence

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/presenced/presence/events"
)

// Signs are what tells, beside the log, of streams that may not have ended. Those that
// have a node document are all of them, unless a document was lost; then online still has
// their connections.
type Signs struct {
	owned map[events.Stream]bool // those that have a node document
	shown map[events.Stream]bool // those that online has connections of; nil: not looked
}

// LookForSigns reads the node documents and, if thorough, the streams of online.
//
// The nodes first, then online, and the log last, by the caller: of a stream that is in
// neither, whatever its owner or a takeover wrote is in the log by then.
func LookForSigns(ctx context.Context, store Store, thorough bool) (Signs, error) {
	nodes, err := store.Nodes.All(ctx)
	if err != nil {
		return Signs{}, fmt.Errorf("read nodes: %w", err)
	}
	found := Signs{owned: make(map[events.Stream]bool, len(nodes))}
	for _, n := range nodes {
		found.owned[n.Stream] = true
	}
	if !thorough {
		return found, nil
	}
	shown, err := store.Online.Streams(ctx)
	if err != nil {
		return Signs{}, fmt.Errorf("list streams of online: %w", err)
	}
	found.shown = make(map[events.Stream]bool, len(shown))
	for _, s := range shown {
		found.shown[s] = true
	}
	return found, nil
}

// Owned reports whether a stream has a node document.
func (s Signs) Owned(id events.Stream) bool { return s.owned[id] }

// Tell reports whether anything tells of a stream.
func (s Signs) Tell(id events.Stream) bool { return s.owned[id] || s.shown[id] }

// Thorough reports whether a stream of which nothing tells has surely no sign.
func (s Signs) Thorough() bool { return s.shown != nil }

// StreamsWith are the streams of which something tells, and those that are known already,
// ascending as text, each once.
func (s Signs) StreamsWith(known iter.Seq[events.Stream]) []events.Stream {
	streams := slices.Collect(known)
	for id := range s.owned {
		streams = append(streams, id)
	}
	for id := range s.shown {
		streams = append(streams, id)
	}
	slices.SortFunc(streams, events.Stream.Compare)
	return slices.Compact(streams)
}
