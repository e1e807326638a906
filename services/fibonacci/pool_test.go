package fibonacci

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endless is a task that ends only when it is stopped, for all that a test can wait.
func endless(done func(Result)) Task {
	return Task{N: 50_000_000, Algorithm: Iterative, Done: done}
}

// hold keeps a worker busy until release is called. It returns once the worker is.
func hold(t *testing.T, p *Pool, user string) (release func()) {
	t.Helper()
	held, gate := make(chan struct{}), make(chan struct{})
	submit(t, p.Account(user), Task{Done: func(Result) {
		close(held)
		<-gate
	}})
	<-held
	return func() { close(gate) }
}

func submit(t *testing.T, a *Account, task Task) {
	t.Helper()
	if err := a.Submit(task); err != nil {
		t.Fatal(err)
	}
}

// order collects names in the order in which their results came.
type order struct {
	mu    sync.Mutex
	names []string
}

func (o *order) done(name string) func(Result) {
	return func(Result) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.names = append(o.names, name)
	}
}

// checkTables holds a pool to the rules of its tables.
func checkTables(t interface{ Fatalf(string, ...any) }, p *Pool, accounts ...*Account) {
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting, running := 0, 0
	perUser := map[*user]int{}
	for i, a := range accounts {
		tasks := len(a.queue)
		waiting += tasks
		if a.work != none {
			running++
			tasks++
		}
		if (tasks > 0) != (a.user != nil) {
			t.Fatalf("account %d has %d tasks, and its user is %v", i, tasks, a.user)
		}
		if a.user == nil {
			continue
		}
		perUser[a.user]++
		if mayRun := a.work == none && len(a.queue) > 0; mayRun != slices.Contains(a.user.turn, a) {
			t.Fatalf("account %d: may run: %v, which is not what its user's turn says", i, mayRun)
		}
	}
	if waiting != p.waiting || running != p.running || len(perUser) != len(p.users) {
		t.Fatalf("counted %d waiting, %d running, %d users; the pool says %d, %d, %d", waiting, running, len(perUser), p.waiting, p.running, len(p.users))
	}
	inTurn := 0
	for u, n := range perUser {
		if u.accounts != n || p.users[u.name] != u || (len(u.turn) > 0) != slices.Contains(p.turn, u) {
			t.Fatalf("user %s: %d accounts, want %d; %d in turn", u.name, u.accounts, n, len(u.turn))
		}
		if len(u.turn) > 0 {
			inTurn++
		}
	}
	if inTurn != len(p.turn) {
		t.Fatalf("%d users in turn, want %d", len(p.turn), inTurn)
	}
}

func TestPool_Results(t *testing.T) {
	p := NewPool(Config{})
	defer p.Close()
	results := make(chan Result)
	a := p.Account("42")
	submit(t, a, Task{N: 94, Algorithm: Matrix, Done: func(r Result) { results <- r }})
	submit(t, a, Task{Kind: Sequence, N: 5, Done: func(r Result) { results <- r }})
	if r := <-results; string(r.Value) != "19740274219868223167" || r.Values != nil || r.Took <= 0 {
		t.Errorf("F(94): got %+v", r)
	}
	if r := <-results; fmt.Sprintf("%s", r.Values) != "[0 1 1 2 3]" || r.Value != nil {
		t.Errorf("the first 5: got %s", r.Values)
	}
}

func TestPool_ServesUsersInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(Config{Workers: 1})
		defer p.Close()
		release := hold(t, p, "holder")
		var got order
		for range 112 { // 1,008 commands of one user, on as many connections as they need
			hog := p.Account("hog")
			for range 9 {
				submit(t, hog, Task{N: 10, Done: got.done("hog")})
			}
		}
		submit(t, p.Account("small"), Task{N: 10, Done: got.done("small")})
		release()
		synctest.Wait()
		if at := slices.Index(got.names, "small"); at > 1 {
			t.Errorf("the one command of another user came after %d of the hog's", at)
		}
		if len(got.names) != 1009 {
			t.Errorf("%d results, want 1009", len(got.names))
		}
		checkTables(t, p)
	})
}

// TestPool_ServesUsersInTurn_WhenOneNeverStopsAsking has a client that sends its next
// command on each result.
func TestPool_ServesUsersInTurn_WhenOneNeverStopsAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(Config{Workers: 1})
		defer p.Close()
		release := hold(t, p, "holder")
		var got order
		var served atomic.Bool
		hog := p.Account("hog")
		var again func(Result)
		again = func(r Result) {
			got.done("hog")(r)
			if !served.Load() && len(got.names) < 1000 {
				submit(t, hog, Task{N: 10, Done: again})
			}
		}
		for range 9 {
			submit(t, hog, Task{N: 10, Done: again})
		}
		submit(t, p.Account("small"), Task{N: 10, Done: func(r Result) {
			got.done("small")(r)
			served.Store(true)
		}})
		release()
		synctest.Wait()
		if at := slices.Index(got.names, "small"); at != 1 {
			t.Errorf("the one command of another user was answered at place %d, want 1", at)
		}
	})
}

func TestPool_ServesConnectionsOfAUserInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(Config{Workers: 1})
		defer p.Close()
		release := hold(t, p, "holder")
		var got order
		first, second := p.Account("42"), p.Account("42")
		for range 9 {
			submit(t, first, Task{N: 10, Done: got.done("first")})
		}
		submit(t, second, Task{N: 10, Done: got.done("second")})
		release()
		synctest.Wait()
		if at := slices.Index(got.names, "second"); at != 1 {
			t.Errorf("the second connection was answered at place %d, want 1", at)
		}
	})
}

func TestPool_RunsOneTaskOfAConnectionAtATime(t *testing.T) {
	p := NewPool(Config{Workers: 4})
	defer p.Close()
	var all sync.WaitGroup
	var running atomic.Int32
	var got []int // by one Done after another, or the race detector will say so
	a := p.Account("42")
	for i := range 9 {
		all.Add(1)
		submit(t, a, Task{N: 1000, Done: func(Result) {
			if running.Add(1) != 1 {
				t.Error("two at a time")
			}
			got = append(got, i)
			running.Add(-1)
			all.Done()
		}})
	}
	all.Wait()
	if !slices.IsSorted(got) {
		t.Errorf("answered in the order %v", got)
	}
}

func TestAccount_SubmitBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(Config{Workers: 1})
		defer p.Close()
		release := hold(t, p, "holder")
		waits := p.Account("waits") // none of its tasks runs: the first counts as if it did
		for i := range 9 {
			if err := waits.Submit(Task{Done: func(Result) {}}); err != nil {
				t.Fatalf("task %d: %v", i, err)
			}
		}
		if err := waits.Submit(Task{}); !errors.Is(err, ErrBusy) {
			t.Errorf("the tenth: %v", err)
		}
		other := p.Account("waits")
		submit(t, other, Task{Done: func(Result) {}})
		checkTables(t, p, waits, other, held(p, "holder"))
		release()
		synctest.Wait()

		submit(t, waits, endless(nil))
		for p.Stats().Running == 0 { // the worker is on its way
			runtime.Gosched()
		}
		for i := range 8 {
			if err := waits.Submit(Task{}); err != nil {
				t.Fatalf("beside one that runs, task %d: %v", i, err)
			}
		}
		if err := waits.Submit(Task{}); !errors.Is(err, ErrBusy) {
			t.Errorf("beside one that runs, the ninth: %v", err)
		}
	})
}

// held stands for the account that hold opened, of which one task runs.
func held(p *Pool, name string) *Account {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &Account{pool: p, name: name, user: p.users[name], work: answering}
}

func TestAccount_SubmitLeavesRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(Config{Workers: 1, Total: 64})
		defer p.Close()
		defer hold(t, p, "holder")()
		fill := func(user string) (n int) {
			for {
				a := p.Account(user)
				for range 9 {
					if a.Submit(Task{Done: func(Result) {}}) != nil {
						return n
					}
					n++
				}
			}
		}
		for i, want := range []int{32, 16, 8, 4, 2, 1, 1, 0} {
			if got := fill("user" + strconv.Itoa(i)); got != want {
				t.Errorf("user %d got room for %d tasks, want %d", i, got, want)
			}
		}
		if s := p.Stats(); s != (Stats{Users: 8, Waiting: 64, Running: 1}) {
			t.Errorf("got %+v", s)
		}
	})
}

func TestAccount_CancelDropsAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(Config{Workers: 1})
		defer p.Close()
		gone, stays := p.Account("42"), p.Account("42")
		late := func(Result) { t.Error("a result after Cancel") }
		submit(t, gone, endless(late))
		for range 8 {
			submit(t, gone, Task{Done: late})
		}
		for p.Stats().Running == 0 { // the worker is on its way
			runtime.Gosched()
		}
		got := make(chan Result, 1)
		submit(t, stays, Task{N: 10, Done: func(r Result) { got <- r }})
		gone.Cancel()
		if r := <-got; string(r.Value) != "55" {
			t.Errorf("the other connection's answer is %s", r.Value)
		}
		synctest.Wait()
		checkTables(t, p, gone, stays)
		if s := p.Stats(); s != (Stats{}) {
			t.Errorf("left: %+v", s)
		}
		if err := gone.Submit(Task{}); !errors.Is(err, ErrClosed) {
			t.Errorf("Submit after Cancel: %v", err)
		}
		gone.Cancel()
	})
}

func TestAccount_CancelOfOneThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(Config{Workers: 1})
		defer p.Close()
		release := hold(t, p, "holder")
		gone := p.Account("42")
		submit(t, gone, Task{Done: func(Result) { t.Error("a result after Cancel") }})
		submit(t, gone, Task{Done: func(Result) { t.Error("a result after Cancel") }})
		gone.Cancel()
		checkTables(t, p, gone, held(p, "holder"))
		release()
	})
}

func TestAccount_DoneMayCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(Config{Workers: 1})
		defer p.Close()
		a := p.Account("42")
		submit(t, a, Task{Done: func(Result) { a.Cancel() }})
		synctest.Wait()
		checkTables(t, p, a)
	})
}

// TestAccount_CancelAfterTheComputation has a client that leaves between the end of a
// computation and its answer.
func TestAccount_CancelAfterTheComputation(t *testing.T) {
	p := NewPool(Config{Workers: 1})
	defer p.Close()
	a := p.Account("42")
	if !p.answer(a) {
		t.Error("the answer is not wanted")
	}
	a.Cancel()
	if p.answer(a) {
		t.Error("the answer is wanted after Cancel")
	}
}

func TestPool_CloseStopsAndWaits(t *testing.T) {
	p := NewPool(Config{Workers: 2})
	a := p.Account("42")
	late := func(Result) { t.Error("a result after Close") }
	submit(t, a, endless(late))
	submit(t, a, Task{Done: late})
	p.Close()
	p.Close()
	if err := p.Account("1").Submit(Task{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Submit after Close: %v", err)
	}
	a.Cancel()
	checkTables(t, p, a)
}

// TestPool_Tables submits and cancels at random, with workers that come and go, and
// holds the pool to the rules of its tables.
func TestPool_Tables(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			p := NewPool(Config{Workers: rapid.IntRange(1, 3).Draw(rt, "workers"), Waiting: 2, Total: 12})
			defer p.Close()
			gates := make(chan struct{})
			defer close(gates)
			var accounts []*Account
			rt.Repeat(map[string]func(*rapid.T){
				"open": func(rt *rapid.T) {
					accounts = append(accounts, p.Account(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "user")))
				},
				"submit": func(rt *rapid.T) {
					if len(accounts) == 0 {
						rt.Skip()
					}
					a := rapid.SampledFrom(accounts).Draw(rt, "account")
					err := a.Submit(Task{N: 5, Done: func(Result) { <-gates }})
					if err != nil && !errors.Is(err, ErrBusy) && !a.cancelled {
						rt.Fatal(err)
					}
				},
				"cancel": func(rt *rapid.T) {
					if len(accounts) == 0 {
						rt.Skip()
					}
					rapid.SampledFrom(accounts).Draw(rt, "account").Cancel()
				},
				"finish": func(rt *rapid.T) {
					if p.Stats().Running == 0 {
						rt.Skip()
					}
					gates <- struct{}{}
				},
				"": func(rt *rapid.T) {
					synctest.Wait()
					checkTables(rt, p, accounts...)
					if s := p.Stats(); s.Running < p.config.Workers && len(p.turn) > 0 {
						rt.Fatalf("a worker is idle while tasks may run: %+v", s)
					}
				},
			})
		})
	})
}

// TestPool_Concurrent is for the race detector.
func TestPool_Concurrent(t *testing.T) {
	p := NewPool(Config{Workers: 3, Total: 64})
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for round := range 50 {
				a := p.Account("user" + strconv.Itoa(i%3))
				var results sync.WaitGroup
				for n := range uint64(6) {
					results.Add(1)
					if a.Submit(Task{N: 100 * n, Done: func(Result) { results.Done() }}) != nil {
						results.Done()
					}
				}
				if round%2 == 0 {
					results.Wait()
				}
				a.Cancel()
			}
		})
	}
	clients.Wait()
	for p.Stats().Running > 0 { // those that were cancelled end soon
		runtime.Gosched()
	}
	checkTables(t, p)
	p.Close()
}

func BenchmarkPool(b *testing.B) {
	p := NewPool(Config{})
	defer p.Close()
	a := p.Account("42")
	done := make(chan struct{})
	task := Task{N: 94, Done: func(Result) { done <- struct{}{} }}
	b.ReportAllocs()
	for b.Loop() {
		if err := a.Submit(task); err != nil {
			b.Fatal(err)
		}
		<-done
	}
}
