package gateway

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// crowd starts a server with n clients in another process.
func crowd(b *testing.B, n int) Server {
	s := start(b, &host{}, Config{})
	p := spawn(b, "clients")
	fmt.Fprintln(p.in, s.Addrs()[0], n, s.secure())
	if got := p.line(b); got != "connected" {
		b.Fatal(got)
	}
	eventually(b, "all are open", func() bool { return s.Stats().Connections == n })
	return s
}

// BenchmarkBroadcast is one tick to all clients: an operation is one tick to one
// client. CPU is that of the server's process, kernel included.
func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{100, 1000, 4000} {
		b.Run(fmt.Sprintf("%d clients", n), func(b *testing.B) {
			s := crowd(b, n)
			tick := []byte(`{"type":"time","time":"2026-11-23T10:00:00Z","unixMs":1795428000000}`)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			cpu := cpuTime(b)
			ticks := 0
			b.ResetTimer()
			for sent := 0; sent < b.N; sent += n {
				s.Broadcast(tick)
				ticks++
				eventually(b, "all got it", func() bool {
					now := s.Stats()
					return now.Pushed+now.Skipped == int64(ticks*n)
				})
			}
			b.StopTimer()
			runtime.ReadMemStats(&after)
			writes := float64(ticks * n)
			b.ReportMetric((cpuTime(b)-cpu)*1e6/writes, "cpu-µs/client")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/writes, "allocs/client")
		})
	}
}

// cpuTime returns the processor time of this process, in seconds.
func cpuTime(b *testing.B) float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkEcho is a message and its reply, over a socket. The client's part does
// not allocate either.
func BenchmarkEcho(b *testing.B) {
	for _, pipelined := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d in a read", pipelined), func(b *testing.B) {
			s := start(b, &host{}, Config{Loops: 1})
			c := connect(b, s)
			ask := bytes.Repeat(text("0123456789012345678901234567890123456789"), pipelined)
			reply := make([]byte, len(ask)-4*pipelined)
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += pipelined {
				if _, err := c.Write(ask); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(c.in, reply); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIdle reports the user memory of an idle connection: the heap and the
// stacks that the server's process has more of than without connections. The
// clients are in another process.
func BenchmarkIdle(b *testing.B) {
	const n = 4000
	for name, cfg := range map[string]Config{"epoll": {}, "goroutines": {goroutines: true}, "TLS": {TLS: testTLS(b)}} {
		b.Run(name, func(b *testing.B) {
			cfg.Handler = let{nobody{}}
			for b.Loop() {
				s := start(b, &host{}, cfg)
				before := inUse()
				p := spawn(b, "clients")
				fmt.Fprintln(p.in, s.Addrs()[0], n, s.secure())
				if got := p.line(b); got != "connected" {
					b.Fatal(got)
				}
				eventually(b, "all are open", func() bool { return s.Stats().Connections == n })
				b.ReportMetric(float64(inUse()-before)/n, "B/conn")
			}
		})
	}
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
