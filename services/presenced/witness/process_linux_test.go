package witness

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A process dies with this one, and not with the thread that had it started: such a
// thread may end at any time, with a goroutine that is locked to it.
func TestStart_outlives_a_thread(t *testing.T) {
	cmd := exec.Command("sh", "-c", "echo clients ws://x; echo admin http://x; echo Stop; read line; exit 7")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	started, thread := make(chan error), 0
	var p *Process
	var begin func()
	begin = func() {
		runtime.LockOSThread() // for ever: it ends with the goroutine
		if thread = unix.Gettid(); thread == os.Getpid() {
			go begin() // the first thread of a process does not end: another one
			runtime.UnlockOSThread()
			return
		}
		var err error
		p, err = Start(cmd)
		started <- err
	}
	go begin()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); err == nil; <-tick.C {
		if _, err = os.Stat(fmt.Sprintf("/proc/self/task/%d", thread)); time.Now().After(deadline) {
			t.Fatal("the thread does not end")
		}
	}
	if _, err := io.WriteString(in, "go\n"); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := p.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("it ended with %v, want its own exit code 7", err)
	}
}
