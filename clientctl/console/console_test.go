//go:build unix

package console

import (
	"bufio"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// open opens a console on a new terminal, whose keyboard and screen is returned too.
func open(t *testing.T) (c *Console, person *os.File) {
	t.Helper()
	person, device, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		device.Close()
		person.Close()
	})
	show := NewShow("ws://h/?user=ana", false)
	c, err = Open(Options{Keyboard: device, Screen: device, Status: show.Status, Interrupt: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, person
}

func stateOf(t *testing.T, f *os.File) *term.State {
	t.Helper()
	s, err := term.GetState(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConsole_gives_the_terminal_back_when_it_panics(t *testing.T) {
	c, person := open(t)
	if reflect.DeepEqual(stateOf(t, person), c.cooked) {
		t.Fatal("the terminal is not in raw mode")
	}
	func() {
		defer func() {
			if v := recover(); v != "a mistake" {
				t.Errorf("the panic is %v", v)
			}
		}()
		defer c.restoreOnPanic()
		panic("a mistake")
	}()
	if !reflect.DeepEqual(stateOf(t, person), c.cooked) {
		t.Error("the terminal is left in raw mode")
	}
}

// Open fails on what is no terminal, and leaves nothing behind.
func TestOpen_refuses_what_is_no_terminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if c, err := Open(Options{Keyboard: file, Screen: file}); err == nil || c != nil {
		t.Errorf("got %v, %v", c, err)
	}
}

// Close may be called by anybody, also twice, and ends a Read.
func TestConsole_Close(t *testing.T) {
	c, _ := open(t)
	read := make(chan error)
	go func() {
		_, err := c.Read(make([]byte, 1))
		read <- err
	}()
	go c.Close()
	c.Close()
	if err := <-read; err == nil {
		t.Error("a Read goes on after Close")
	}
	if n, err := c.Write([]byte("later\n")); n != 6 || err != nil {
		t.Errorf("a later write: %d, %v", n, err)
	}
}

// A terminal that is hung up ends it.
func TestConsole_terminal_is_gone(t *testing.T) {
	person, device, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	interrupted := make(chan struct{})
	c, err := Open(Options{Keyboard: device, Screen: device, Status: NewShow("ws://h/", false).Status, Interrupt: func() { close(interrupted) }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	person.Close()
	<-interrupted
}

// While the shell has the terminal, results are only lines.
func TestConsole_Write_while_stopped(t *testing.T) {
	c, person := open(t)
	drawn := bufio.NewReader(person)
	if _, err := drawn.ReadString('>'); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.leave()
	c.stopped = true
	c.mu.Unlock()
	if _, err := drawn.ReadString('l'); err != nil { // the end of what leave writes
		t.Fatal(err)
	}
	for _, line := range []string{"one\n", "two\n"} {
		if _, err := c.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		got, err := drawn.ReadString('\n')
		if want := line[:3] + "\r"; err != nil || strings.TrimRight(got, "\n") != want && strings.TrimRight(got, "\n") != want+"\r" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}
