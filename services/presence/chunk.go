package presence

import (
	"fmt"
	"strconv"
	"time"

	"github.com/presenced/presence/events"
)

// Chunk is a part of a snapshot: one document of snapshots. A snapshot counts only if
// all of its chunks are there, and of a version that is known.
type Chunk struct {
	Of      events.Position // the last event that is in the snapshot
	N       int             // 0 to Chunks-1
	Chunks  int             // of this snapshot; at least 1, also if nobody is connected
	At      time.Time       // of the event at Of
	Open    []events.Open   // the next maxChunk open connections, in position order
	Version int
}

const (
	// chunkVersion is the version of the chunks that this program writes and reads.
	chunkVersion = 1

	// maxChunk is how many connections a chunk has: at most 250 KB as a document.
	maxChunk = 1000

	// chunkWidth is the length of a chunk's number as text, so that the order of ids is
	// the order of chunks.
	chunkWidth = 4

	// maxChunks is how many chunks a snapshot may have: 65 million connections.
	maxChunks = 1 << (4 * chunkWidth)
)

// ID is the chunk's id in every store, "<position>/<number>", of fixed width like ids
// of events.
func (c Chunk) ID() string { return fmt.Sprintf("%s/%0*x", c.Of, chunkWidth, c.N) }

// ParseChunkID reads the position and the number of a chunk from its id.
func ParseChunkID(text string) (of events.Position, n int, err error) {
	cut := len(text) - chunkWidth - 1
	if cut < 1 || text[cut] != '/' {
		return of, 0, fmt.Errorf("%w: chunk %q", events.ErrInvalidID, text)
	}
	number, err := strconv.ParseUint(text[cut+1:], 16, 16)
	if err != nil {
		return of, 0, fmt.Errorf("%w: chunk %q", events.ErrInvalidID, text)
	}
	of, err = events.ParsePosition(text[:cut])
	return of, int(number), err
}

// chunksOf are the chunks of a snapshot.
func chunksOf(s events.Snapshot) []Chunk {
	n := max(1, (len(s.Open)+maxChunk-1)/maxChunk)
	chunks := make([]Chunk, n)
	for i := range chunks {
		open := s.Open[min(i*maxChunk, len(s.Open)):min((i+1)*maxChunk, len(s.Open))]
		chunks[i] = Chunk{Of: s.ID, N: i, Chunks: n, At: s.At, Open: open, Version: chunkVersion}
	}
	return chunks
}

// joined is the fold of the snapshot that chunks are of, ascending, and whether they are
// all there and can be read.
func joined(chunks []Chunk) (*events.Fold, bool) {
	if len(chunks) == 0 {
		return nil, false
	}
	s := events.Snapshot{ID: chunks[0].Of, At: chunks[0].At, Open: make([]events.Open, 0, lenOpen(chunks))}
	for i, c := range chunks {
		if c.Version != chunkVersion || c.N != i || c.Chunks != len(chunks) || c.Of != s.ID || !c.At.Equal(s.At) {
			return nil, false
		}
		s.Open = append(s.Open, c.Open...)
	}
	f, err := events.FoldFrom(s)
	return f, err == nil
}

// lenOpen is how many open connections chunks have.
func lenOpen(chunks []Chunk) (n int) {
	for _, c := range chunks {
		n += len(c.Open)
	}
	return n
}
