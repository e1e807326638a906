package presence

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/presenced/presence/events"
)

// signs are what tells, beside the log, of streams that may not have ended. Those that
// have a node document are all of them, unless a document was lost; then online still has
// their connections.
type signs struct {
	owned map[events.Stream]bool // those that have a node document
	shown map[events.Stream]bool // those that online has connections of; nil: not looked
}

// lookForSigns reads the node documents and, if thorough, the streams of online.
//
// The nodes first, then online, and the log last, by the caller: of a stream that is in
// neither, whatever its owner or a takeover wrote is in the log by then.
func lookForSigns(ctx context.Context, store Store, thorough bool) (signs, error) {
	nodes, err := store.Nodes.All(ctx)
	if err != nil {
		return signs{}, fmt.Errorf("read nodes: %w", err)
	}
	found := signs{owned: make(map[events.Stream]bool, len(nodes))}
	for _, n := range nodes {
		found.owned[n.Stream] = true
	}
	if !thorough {
		return found, nil
	}
	shown, err := store.Online.Streams(ctx)
	if err != nil {
		return signs{}, fmt.Errorf("list streams of online: %w", err)
	}
	found.shown = make(map[events.Stream]bool, len(shown))
	for _, s := range shown {
		found.shown[s] = true
	}
	return found, nil
}

// tell reports whether anything tells of a stream.
func (s signs) tell(id events.Stream) bool { return s.owned[id] || s.shown[id] }

// thorough reports whether a stream of which nothing tells has surely no sign.
func (s signs) thorough() bool { return s.shown != nil }

// with are the streams of which something tells, and those that are known already,
// ascending as text, each once.
func (s signs) with(known iter.Seq[events.Stream]) []events.Stream {
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
