package browser

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// conduct is what a page may be blamed for: errors and warnings in the console, broken
// policies, and requests to other origins.
type conduct struct {
	host string // of the only origin that may be asked

	mu       sync.Mutex
	excused  []string
	offences []string
	opened   []string // addresses of sockets
}

func newConduct(t *testing.T, origin string) *conduct {
	t.Helper()
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	return &conduct{host: u.Host}
}

// excuse lets errors pass that contain a text: those that the test is about. That a socket
// cannot be opened is written to the console by the browser, whatever the page does.
func (c *conduct) excuse(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.excused = append(c.excused, text)
}

// hear listens to the events of a tab.
func (c *conduct) hear(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		c.asked(e.Request.URL)
	case *network.EventWebSocketCreated:
		c.asked(e.URL)
		c.socket(e.URL)
	case *runtime.EventExceptionThrown:
		c.offend("exception: %s %s", e.ExceptionDetails.Text, description(e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		var said []string
		for _, a := range e.Args {
			said = append(said, string(a.Value)+description(a))
		}
		c.offend("console.%s: %s", e.Type, strings.Join(said, " "))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			c.offend("%s (%s): %s %s", e.Entry.Level, e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
}

func description(o *runtime.RemoteObject) string {
	if o == nil {
		return ""
	}
	return fmt.Sprint(o.Description)
}

// asked holds that an address is the page's own.
func (c *conduct) asked(address string) {
	if u, err := url.Parse(address); err != nil || u.Host != c.host {
		c.offend("a request to another origin: %s", address)
	}
}

// socket notes that a socket is opened.
func (c *conduct) socket(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened = append(c.opened, address)
}

// sockets are the addresses of the sockets that were opened.
func (c *conduct) sockets() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.opened)
}

func (c *conduct) offend(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offences = append(c.offences, fmt.Sprintf(format, args...))
}

// holds complains about all that was not excused.
func (c *conduct) holds(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
offences:
	for _, offence := range c.offences {
		for _, text := range c.excused {
			if strings.Contains(offence, text) {
				continue offences
			}
		}
		t.Errorf("in the browser: %s", offence)
	}
}
