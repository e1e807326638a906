package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	maxSet       = 1 << 20 // bytes of a key set
	fetchTimeout = 5 * time.Second
)

var errSetTooLong = fmt.Errorf("it is longer than %d bytes", maxSet)

// source returns the text of a key set, at most maxSet bytes.
type source func(context.Context) ([]byte, error)

// newSource returns what reads a path or fetches an address.
func newSource(place string) (source, error) {
	if !strings.Contains(place, "://") {
		return func(context.Context) ([]byte, error) { return readFile(place) }, nil
	}
	u, err := url.Parse(place)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("this is neither a path nor an address with https:// and a host")
	}
	if u.User != nil {
		return nil, errors.New("an address with a user or a password is not supported")
	}
	f := &fetcher{address: place, client: &http.Client{
		Timeout: fetchTimeout,
		// Keys are trusted because of where they come from.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	return f.fetch, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}

func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSet+1))
	if err == nil && len(text) > maxSet {
		err = errSetTooLong
	}
	return text, err
}

type fetcher struct {
	address string
	client  *http.Client
}

func (f *fetcher) fetch(ctx context.Context) ([]byte, error) {
	defer f.client.CloseIdleConnections() // minutes pass until the next time
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.address, http.NoBody)
	if err != nil {
		return nil, withoutAddress(err)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, withoutAddress(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %d %s, and not 200", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	text, err := readAll(resp.Body)
	return text, withoutAddress(err)
}

// withoutAddress takes the address out of an error: its query may hold a secret.
func withoutAddress(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// Plain reports whether keys come over a network that could forge them: by http:// from
// another host.
func Plain(place string) bool {
	u, err := url.Parse(place)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && !ip.IsLoopback()
}
