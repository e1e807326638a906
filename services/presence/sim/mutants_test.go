package sim

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var flagMutants = flag.Bool("mutants", false, "hold that the simulation finds every mutant: each is compiled, and takes some seconds")

// mutant is a mistake that the simulation must find.
type mutant struct {
	name string
	edit
	find  string // what the failure must speak of
	from  int    // the first seed that is tried: a little before the one that finds it; 1 if it is 0
	small bool   // it shows only where a stream has many pages
}

// edit is a change of the product.
type edit struct {
	file string // from the directory of the package
	old  string // is there once,
	new  string // and this stands there instead
}

// smallPages makes batches, pages and chunks so small that streams have many.
var smallPages = []edit{
	{"../epoch.go", "const maxBatch = 1000", "const maxBatch = 3"},
	{"../chunk.go", "maxChunk = 1000", "maxChunk = 2"},
}

// mutantSeeds is how many seeds have the chance to find a mutant. From the first, most
// of them take fewer than 30, and the best hidden one takes 1,002.
const mutantSeeds = 1500

var mutants = []mutant{
	{
		name: "welcome before projection",
		edit: edit{
			file: "../epoch.go",
			old: `	if err := e.record(ctx, e.run); err != nil {
		return err
	}
	welcome := `,
			new: `	if _, err := appendRun(ctx, e.m.store.Log, e.run, Ours); err == nil {
		for _, it := range e.batch {
			if it.reason == 0 {
				it.conn.client.Recorded(e.stream.At(it.conn.seq))
			}
		}
	}
	if err := e.record(ctx, e.run); err != nil {
		return err
	}
	welcome := `,
		},
		find: "I7",
	},
	{
		name: "project before the append's acknowledgement",
		edit: edit{
			file: "../twostep.go",
			old: `	if _, err := appendRun(ctx, r.log, run, Ours); err != nil {
		return 0, err
	}
	add, remove := projection(run)`,
			new: `	add, remove := projection(run)
	if err := r.online.Apply(ctx, add, remove); err != nil {
		return 0, err
	}
	if _, err := appendRun(ctx, r.log, run, Ours); err != nil {
		return 0, err
	}`,
		},
		find: "I5",
	},
	{
		name: "step 2 of the takeover left out",
		edit: edit{
			file: "../takeover.go",
			old:  `	open, err := m.endOpen(ctx, s)`,
			new:  `	open, err := 0, error(nil)`,
		},
		find: "I10",
	},
	{
		name: "the node document removed before the work is done",
		edit: edit{
			file: "../takeover.go",
			old:  `	open, err := m.endOpen(ctx, s)`,
			new: `	if err := m.store.Nodes.Remove(ctx, s); err != nil {
		return err
	}
	open, err := m.endOpen(ctx, s)`,
		},
		find: "I10",
	},
	{
		name: "seal position taken from nodes.tail",
		edit: edit{
			file: "../takeover.go",
			old: `	seal := events.Event{
		ID:       tail.ID.Next(),`,
			new: `	nodes, err := m.store.Nodes.All(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.Stream == s {
			tail.ID = n.Tail
		}
	}
	seal := events.Event{
		ID:       tail.ID.Next(),`,
		},
		find: "I10",
	},
	{
		name: "lease of 1 s",
		edit: edit{
			file: "../lease.go",
			old:  `leaseTimeout = 10 * time.Second`,
			new:  `leaseTimeout = time.Second`,
		},
		find: "takes over",
	},
	{
		name: "projection not repeated",
		edit: edit{
			file: "../twostep.go",
			old:  `return 0, fmt.Errorf("project %s: %w", run[0].ID, err)`,
			new:  `return len(run), nil`,
		},
		find: "I7",
	},
	{
		name: "a batch cut anew",
		edit: edit{
			file: "../epoch.go",
			old: `	if err := e.record(ctx, e.run); err != nil {
		return err
	}
	welcome := `,
			new: `	for {
		_, err := e.m.store.Recorder.Record(ctx, e.run)
		if err == nil {
			break
		}
		if !heals(err) || !sleep(ctx, minBackoff) {
			return err
		}
		for _, it := range e.m.table.take(make([]item, 0, 1)) {
			e.batch = append(e.batch, it)
			if it.reason == 0 {
				e.run = append(e.run, e.connected(it.conn, it.at))
			} else {
				e.run = append(e.run, e.disconnected(it))
			}
		}
	}
	e.tail.Store(e.next - 1)
	welcome := `,
		},
		find: "I6",
	},
	{
		name: "sealed not treated as the fence",
		edit: edit{
			file: "../twostep.go",
			old:  `func Ours(found, mine events.Event) error {`,
			new: `func Ours(found, mine events.Event) error {
	if found.Seals() {
		return nil
	}`,
		},
		find: "sealed",
	},
	{
		name: "fold past the seal",
		edit: edit{
			file: "../takeover.go",
			old:  `	return foldNewest(ctx, store, s, (*events.Fold).Sealed)`,
			new:  `	return foldNewest(ctx, store, s, func(*events.Fold) bool { return false })`,
		},
		find: "I4", from: 990,
	},
	{
		name: "fold short of the seal",
		edit: edit{
			file: "../takeover.go",
			old:  `	seal, open := f.Seal(), f.Open()`,
			new: `	seal, open := f.Seal(), f.Open()
	if n := len(open); n > 0 && open[n-1].ID.Next() == seal.ID {
		open = open[:n-1]
	}`,
		},
		find: "I10",
	},
	{
		name: "a snapshot taken for the whole stream",
		edit: edit{
			file: "../snapshot.go",
			old:  "			return f, nil\n",
			new:  "			return new(events.Fold), nil\n",
		},
		find: "not at rest",
	},
	{
		name: "unordered batches",
		edit: edit{
			file: "database_test.go",
			old:  `		a.n, a.err = s.Log.Append(ctx, o.run[:part])`,
			new: `		for i := range part {
			n, err := s.Log.Append(ctx, o.run[i:i+1])
			a.n += n
			if a.err == nil {
				a.err = err
			}
		}`,
		},
		find: "I1, I2, I4",
	},
	{
		name: "the queue carried over into the new epoch",
		edit: edit{
			file: "../table.go",
			old: `	t.drop(t.queue[t.head:])
	t.queue, t.head = nil, 0
}`,
			new: `}`,
		},
		find: "invalid event",
	},
	{
		name: "a claim without the token",
		edit: edit{
			file: "../boot.go",
			old:  `	if found.Process != m.process {`,
			new:  `	if false {`,
		},
		find: "I3",
	},
	{
		name: "the tail not read at the beat",
		edit: edit{
			file: "../beat.go",
			old:  `	tail, err := e.m.store.Log.Tail(ctx, e.stream)`,
			new: `	return nil
	tail, err := e.m.store.Log.Tail(ctx, e.stream)`,
		},
		find: "sealed",
	},
	{
		name: "the time of an event taken from the clock alone",
		edit: edit{
			file: "../epoch.go",
			old:  `	e.at = max(e.at, at)`,
			new:  `	e.at = at`,
		},
		find: "its time is before",
	},
	{
		name: "the time of a seal taken from the clock alone",
		edit: edit{
			file: "../takeover.go",
			old:  `	at := m.notBefore(tail.At)`,
			new:  `	at := m.now()`,
		},
		find: "its time is before",
	},
	{
		name: "the lease goes by the wall clock",
		edit: edit{
			file: "../lease.go",
			old: `		began := time.Now()
		nodes, err := m.store.Nodes.All(m.ctx)
		switch {
		case err == nil:
			m.health.clear("read nodes")
			for _, s := range l.observe(began, time.Now(), nodes, m.Stream()) {`,
			new: `		began := m.cfg.Now()
		nodes, err := m.store.Nodes.All(m.ctx)
		switch {
		case err == nil:
			m.health.clear("read nodes")
			for _, s := range l.observe(began, m.cfg.Now(), nodes, m.Stream()) {`,
		},
		find: "its process died",
	},
	{
		name: "a node last seen after its end",
		edit: edit{
			file: "../takeover.go",
			old:  `		LastSeen: lastSign(seen, tail.At, at),`,
			new:  `		LastSeen: later(seen, tail.At),`,
		},
		find: "after it was sealed",
	},
	{
		name: "a part of a snapshot taken for all of it",
		edit: edit{
			file: "../chunk.go",
			old:  `c.Version != chunkVersion || c.N != i || c.Chunks != len(chunks) || c.Of`,
			new:  `i < 0 || c.Of`,
		},
		find: "I8",
	},
	{
		name: "a snapshot beyond the seal",
		edit: edit{
			file: "../../../events/snapshot.go",
			old:  ` || f.Sealed() {`,
			new:  ` {`,
		},
		find: "I8",
	},
	{
		name: "a stream taken for ended after its first page",
		edit: edit{
			file: "../snapshot.go",
			old: `		if len(page) < maxBatch {
			return nil
		}
		from = page`,
			new: `		if true {
			return nil
		}
		from = page`,
		},
		find: "is sealed, and has a node document", small: true,
	},
	{
		name: "a takeover that ends a batch of connections and no more",
		edit: edit{
			file: "../takeover.go",
			old:  `		for next < len(open) {`,
			new:  `		for next == 0 && len(open) > 0 {`,
		},
		find: "I10", small: true,
	},
	{
		name: "boot watches one epoch and takes over another",
		edit: edit{
			file: "../boot.go",
			old:  "|| last.ID.Stream == watched {",
			new:  "|| !watched.IsZero() {",
		},
		find: "in calm",
	},
	{
		name: "who leaves while reconcile looks is taken for a ghost",
		edit: edit{
			file: "../reconcile.go",
			old:  `		if seq <= f.note.last && !live && !leaving {`,
			new:  `		if c, _ := search(f.note.live, seq); !leaving && (!live || f.note.live[c].state == connLeft) {`,
		},
		find: "in calm, where nobody", from: 1500,
	},
	{
		name: "a stream that ends while the sweep looks is taken for one with ghosts",
		edit: edit{
			file: "../sweep.go",
			old:  "return !slices.Contains(streams, s) }), nil",
			new:  "return false }), nil",
		},
		find: "swept 1 streams in calm", from: 1000,
	},
	{
		name: "a step that was given up keeps the node not ready",
		edit: edit{
			file: "../retry.go",
			old:  "			m.health.forget(s.name)\n",
			new:  "",
		},
		find: "is not ready",
	},
	{
		name: "an answer that is an error keeps the node not ready",
		edit: edit{
			file: "../retry.go",
			old:  "			m.health.clear(s.name) // an answer, such as ErrNotFound: the store works\n",
			new:  "",
		},
		find: "is not ready",
	},
}

// found is how the simulation names the seed that failed.
var found = regexp.MustCompile(`(?s)seed (\d+): (.*?)\n\s*run again`)

// TestMutants holds that the simulation finds each of the mistakes, in a copy of the
// product that has it.
func TestMutants(t *testing.T) {
	if !*flagMutants {
		t.Skip("each mutant is compiled: run with -mutants")
	}
	for _, m := range mutants {
		t.Run(strings.ReplaceAll(m.name, " ", "_"), func(t *testing.T) {
			t.Parallel() // as many at a time as there are cores: it is other processes that work
			edits := []edit{m.edit}
			if m.small {
				edits = append(edits, smallPages...)
			}
			text, err := simulateWith(t, edits, uint64(max(m.from, 1)), mutantSeeds)
			failure := found.FindStringSubmatch(text)
			switch {
			case err == nil:
				t.Fatalf("it lives: %d seeds find nothing wrong", mutantSeeds)
			case failure == nil:
				t.Fatalf("no seed is named:\n%s", text)
			case !strings.Contains(failure[2], m.find):
				t.Fatalf("it fails, and not with %q:\n%s", m.find, failure[0])
			}
			t.Logf("seed %s: %s", failure[1], failure[2])
		})
	}
}

// TestSim_SmallPages holds of a product with small pages what TestSim does: its
// takeovers, folds, snapshots and reconciliations go over many of them.
func TestSim_SmallPages(t *testing.T) {
	from, seeds := *flagFrom, *flagSeeds
	if *flagSeed != 0 {
		from, seeds = *flagSeed, 1
	}
	if text, err := simulateWith(t, smallPages, from, seeds); err != nil {
		t.Fatalf("run a seed of this again with -run TestSim_SmallPages -seed=N: the product has other pages than in TestSim\n%s", text)
	}
}

// simulateWith runs seeds with a product that has been changed, and returns what the
// test says.
func simulateWith(t *testing.T, edits []edit, from, seeds uint64) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay(t, edits), "-vet=off", "-count=1", "-timeout=0",
		"-run=^TestSim$", ".", fmt.Sprint("-from=", from), fmt.Sprint("-seeds=", seeds))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// overlay writes the file for -overlay that puts the changed files into their places.
func overlay(t *testing.T, edits []edit) string {
	t.Helper()
	dir, sources, replace := t.TempDir(), make(map[string]string), make(map[string]string)
	for _, e := range edits {
		target, err := filepath.Abs(e.file)
		if err != nil {
			t.Fatal(err)
		}
		if sources[target] == "" {
			source, err := os.ReadFile(target)
			if err != nil {
				t.Fatal(err)
			}
			sources[target] = string(source)
		}
		if n := strings.Count(sources[target], e.old); n != 1 {
			t.Fatalf("%s has the text that is to be replaced %d times", e.file, n)
		}
		sources[target] = strings.Replace(sources[target], e.old, e.new, 1)
	}
	for target, source := range sources {
		replace[target] = filepath.Join(dir, filepath.Base(target))
		write(t, replace[target], []byte(source))
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	write(t, file, text)
	return file
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
