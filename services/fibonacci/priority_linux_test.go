package fibonacci

import (
	"testing"

	"golang.org/x/sys/unix"
)

// nice is the calling thread's nice value.
func nice(t *testing.T) int {
	t.Helper()
	v, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	return 20 - v
}

func TestPool_WorkersAreNicerThanTheProcess(t *testing.T) {
	p := NewPool(Config{Workers: 1, Nice: 5})
	got := make(chan int)
	submit(t, p.Account("42"), Task{Done: func(Result) { got <- nice(t) }})
	worker := <-got
	p.Close()
	if own := nice(t); worker != min(own+5, 19) {
		t.Errorf("the worker's nice value is %d, that of another thread %d", worker, own)
	}
}

// TestPool_WorkersKeepTheirThreads holds that a thread of lower priority runs nothing
// but its worker.
func TestPool_WorkersKeepTheirThreads(t *testing.T) {
	p := NewPool(Config{Workers: 1})
	defer p.Close()
	a := p.Account("42")
	threads := make(chan int)
	first := 0
	for range 200 {
		submit(t, a, Task{N: 100, Done: func(Result) { threads <- unix.Gettid() }})
		worker := <-threads
		if first == 0 {
			first = worker
		}
		if own := unix.Gettid(); worker != first || own == first {
			t.Fatalf("the worker ran on thread %d, then on %d; the test on %d", first, worker, own)
		}
	}
}
