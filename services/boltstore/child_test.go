package boltstore

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/presenced/presence/events"
)

// A test that needs another process runs this binary again, as a child that does one
// of these things in a directory until it is killed.
var (
	childTask = flag.String("child", "", "do this instead of running tests, in the directory of -dir")
	childDir  = flag.String("dir", "", "the directory of -child")
)

var childTasks = map[string]func(dir string) error{
	"hold":   holdDatabase,
	"record": recordForEver,
}

// addTask adds a task that not every system has.
func addTask(name string, do func(dir string) error) string {
	childTasks[name] = do
	return name
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *childTask == "" {
		os.Exit(m.Run())
	}
	if err := childTasks[*childTask](*childDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child is a process that does a task.
type child struct {
	*exec.Cmd
	lines *bufio.Scanner // of its standard output
}

// startChild starts a child. It is killed at the end of the test if not before.
func startChild(t *testing.T, task, dir string) *child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-child="+task, "-dir="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd, bufio.NewScanner(out)}
	t.Cleanup(func() { c.kill() })
	return c
}

// kill kills the child, and waits until it has gone.
func (c *child) kill() {
	if c.ProcessState == nil {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
}

// line is the next line that the child writes.
func (c *child) line(t *testing.T) string {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatalf("the child ended: %v", c.lines.Err())
	}
	return c.lines.Text()
}

// holdDatabase opens the database and says so.
func holdDatabase(dir string) error {
	if _, err := Open(dir); err != nil {
		return err
	}
	fmt.Println("open")
	select {}
}

// recordForEver records a stream in runs of all sizes, in which about as many
// connections come as go, and writes a line with each position that was acknowledged.
func recordForEver(dir string) error {
	d, err := Open(dir)
	if err != nil {
		return err
	}
	s := d.Store()
	stream, err := nextStream(s.Log)
	if err != nil {
		return err
	}
	w := &writer{stream: stream}
	for n := 1; ; n = n%37 + 1 {
		run := w.run(n)
		if _, err := s.Recorder.Record(noContext, run); err != nil {
			return err
		}
		fmt.Println(run[len(run)-1].ID)
	}
}

// nextStream is the stream of n1 that has no events yet.
func nextStream(log events.Log) (events.Stream, error) {
	streams, err := log.Streams(noContext, events.Stream{}, unlimited)
	return events.Stream{Node: "n1", Epoch: uint32(len(streams) + 1)}, err
}
