package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"
)

// child makes the test binary do a part of a test in a process of its own.
var child = flag.String("child", "", "run this child process instead of the tests")

func TestMain(m *testing.M) {
	flag.Parse()
	if *child != "" {
		os.Exit(children[*child]())
	}
	// The runtime's own poller is there before descriptors are counted.
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = l.Close()
	}
	os.Exit(m.Run())
}

var children = map[string]func() int{
	"few files":             func() int { return fewFiles(Config{}) },
	"few files, goroutines": func() int { return fewFiles(Config{goroutines: true}) },
	"server, goroutines":    pausedServer,
	"clients":               manyClients, "answering client": answeringClient,
}

// process is a child of the test.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// spawn runs the test binary as a child, which ends with the test.
func spawn(t testing.TB, name string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self, append([]string{"-child", name}, args...)...)}
	p.Stderr = os.Stderr
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.in.Close()
		_, _ = io.Copy(io.Discard, p.out)
		if err := p.Wait(); err != nil {
			t.Errorf("child %q: %v", name, err)
		}
	})
	return p
}

// line reads what the child says next.
func (p *process) line(t testing.TB) string {
	t.Helper()
	s, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the child ended: %v", err)
	}
	return strings.TrimSpace(s)
}

// cpu returns the processor time that the child used.
func (p *process) cpu(t testing.TB) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / 100
}

// filesLeft is how many descriptors fewFiles has for connections, about.
const filesLeft = 40

// fewFiles is a server that runs out of descriptors. It says its address, and at
// the end of its input it stops.
func fewFiles(cfg Config) int {
	limit := &unix.Rlimit{Cur: filesLeft, Max: filesLeft}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, limit); err != nil {
		return fail(err)
	}
	log := zap.NewExample() // to standard output
	cfg.Handler, cfg.MaxConns, cfg.Log = &host{}, 1000, log
	s, err := Listen([]string{"127.0.0.1:0"}, cfg)
	if err != nil {
		return fail(err)
	}
	fmt.Println(s.Addrs()[0])
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = s.Close()
	}()
	if err := s.Serve(); err != nil {
		return fail(err)
	}
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func TestServer_without_descriptors(t *testing.T) {
	for _, child := range []string{"few files", "few files, goroutines"} {
		t.Run(child, func(t *testing.T) { withoutDescriptors(t, spawn(t, child)) })
	}
}

func withoutDescriptors(t *testing.T, p *process) {
	addr := p.line(t)
	var conns []*client
	for range 2 * filesLeft {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patient))
		t.Cleanup(func() { _ = conn.Close() })
		c := &client{Conn: conn, t: t, in: bufio.NewReader(conn)}
		c.send([]byte(upgradeRequest("/")))
		conns = append(conns, c)
	}
	if got := p.line(t); !strings.Contains(got, "cannot accept") {
		t.Errorf("the shortage is logged as %q", got)
	}
	// It rests instead of spinning, whatever the clock of this machine is worth.
	before := p.cpu(t)
	<-time.After(500 * time.Millisecond)
	if used := p.cpu(t) - before; used > 200*time.Millisecond {
		t.Errorf("half a second of shortage cost %v of processor time", used)
	}
	// Who is in is served, and who waits comes in as soon as there is room.
	for i, c := range conns {
		c.wantUpgraded()
		c.send(text(strconv.Itoa(i)))
		c.wantText(strconv.Itoa(i))
		_ = c.Close()
	}
	if got := p.line(t); !strings.Contains(got, "accepting again") {
		t.Errorf("the end of the shortage is logged as %q", got)
	}
}

// accept4 wants a descriptor before it looks for a client, so a shortage may be seen
// when nobody waits. Its end is seen too, though nobody comes.
func TestAcceptor_shortage_ends_without_a_client(t *testing.T) {
	for name, cfg := range map[string]Config{"epoll": {}, "goroutines": {goroutines: true}} {
		t.Run(name, func(t *testing.T) {
			core, said := observer.New(zap.InfoLevel)
			cfg.Handler, cfg.Log = &host{}, zap.New(core)
			s := bind(t, cfg)
			switch a := s.acceptor.(type) {
			case *pollAcceptor:
				a.rest(true)
				a.short.tell(cfg.Log, unix.EMFILE)
			case *ports:
				a.tell(unix.EMFILE)
				a.await(a.listeners[0], time.Now().Add(shortageRest))
			}
			served := make(chan error, 1)
			go func() { served <- s.Serve() }()
			eventually(t, "the end of the shortage is logged", func() bool { return said.FilterMessage("accepting again").Len() == 1 })
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}

// manyClients connects as many clients as its input says to the address before
// that, with TLS if it says true, and keeps them until its input ends. It says when all are connected.
func manyClients() int {
	var addr string
	var n int
	in := bufio.NewReader(os.Stdin)
	var secure bool
	if _, err := fmt.Fscan(in, &addr, &n, &secure); err != nil {
		return fail(err)
	}
	conns := make([]net.Conn, n)
	for i := range conns {
		local := net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%8))}
		d := net.Dialer{LocalAddr: &local}
		conn, err := d.DialContext(context.Background(), "tcp", addr)
		if err != nil {
			return fail(err)
		}
		if secure { // with a certificate of the parent
			conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
		}
		if _, err := io.WriteString(conn, upgradeRequest("/")); err != nil {
			return fail(err)
		}
		if _, err := conn.Read(make([]byte, 512)); err != nil {
			return fail(err)
		}
		conns[i] = conn
	}
	fmt.Println("connected")
	for _, c := range conns {
		go func() { _, _ = io.Copy(io.Discard, c) }()
	}
	_, _ = io.Copy(io.Discard, in)
	return 0
}
