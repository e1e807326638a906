// Package api asks a server's admin API. It opens no WebSocket, so asking does not
// change who is online.
//
// All of it runs on the caller's goroutine.
package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/terminal"
)

const (
	// maxAnswer is the most bytes of an answer: a page of users with long names on
	// many nodes has 300 KB.
	maxAnswer = 8 << 20

	// maxLine is the most bytes of a line of a stream: a cursor over many nodes.
	maxLine = 1 << 20

	// timeout is how long one answer may take: longer than the server allows itself.
	timeout = 75 * time.Second

	// connectTimeout is how long a connect may take, and a TLS handshake after it: the kernel
	// alone would try for minutes where nothing answers.
	connectTimeout = 10 * time.Second
)

// Client asks one admin API.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
	warn  func(string)
	said  map[string]bool
}

// New returns a client of the admin API at base, an http:// or https:// URL. It knows no
// proxy, and follows no redirects: the API has none. The token goes to base and nowhere
// else; empty: none.
func New(base *url.URL, token string) *Client {
	return &Client{base: base, token: token, http: &http.Client{
		Transport:     transport(nil),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Trust sets whom to trust with https://; nil: whom the system trusts. It is called before
// anything is asked.
func (c *Client) Trust(roots *x509.CertPool) { c.http.Transport = transport(roots) }

func transport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: timeout,
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
}

// OnWarning sets who is told what is to be known of the answers. It is called before
// anything is asked; without it nobody is told.
func (c *Client) OnWarning(warn func(text string)) { c.warn, c.said = warn, make(map[string]bool) }

// Warn says something of an answer, escaped, and once, however often that is asked for.
func (c *Client) Warn(text string) {
	text = terminal.Escape(text)
	if c.warn != nil && !c.said[text] {
		c.said[text] = true
		c.warn(text)
	}
}

// Close closes the connections that are kept.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Get reads the answer to one question into out. The path is given in its parts, which
// are escaped.
func (c *Client) Get(ctx context.Context, query url.Values, out any, path ...string) error {
	return c.answer(ctx, http.MethodGet, query, nil, out, path)
}

// Post sends in, as JSON, and reads the answer into out. It waits for longer than the
// server may take with what it is asked for.
func (c *Client) Post(ctx context.Context, in, out any, path ...string) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.answer(ctx, http.MethodPost, nil, body, out, path)
}

func (c *Client) answer(ctx context.Context, method string, query url.Values, in []byte, out any, path []string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	response, err := c.do(ctx, method, query, in, path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return c.brokenOff(ctx, err)
	case response.StatusCode != http.StatusOK:
		return c.refused(response, body)
	case len(body) > maxAnswer:
		return fmt.Errorf("the answer of %s is longer than %d bytes", c.base, maxAnswer)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("the answer of %s is not that of an admin API: %w", c.base, err)
	}
	return nil
}

// Lines calls yield with each line of an answer that has no end, until ctx ends, the
// server does, or yield returns an error. The line is yield's until it returns.
func (c *Client) Lines(ctx context.Context, query url.Values, yield func(line []byte) error, path ...string) error {
	response, err := c.do(ctx, http.MethodGet, query, nil, path)
	if err != nil {
		return err
	}
	if err := c.lines(ctx, response, yield); err != nil {
		return err
	}
	return fault.Errorf(fault.Unreachable, "%s has ended the stream", c.base)
}

// PostLines sends in, as JSON, and calls yield with each line of the answer, like Lines;
// but the answer has an end.
func (c *Client) PostLines(ctx context.Context, in any, yield func(line []byte) error, path ...string) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	response, err := c.do(ctx, http.MethodPost, nil, body, path)
	if err != nil {
		return err
	}
	return c.lines(ctx, response, yield)
}

// lines calls yield with each line of an answer.
func (c *Client) lines(ctx context.Context, response *http.Response, yield func(line []byte) error) error {
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(response.Body, maxLine))
		if err != nil {
			return c.brokenOff(ctx, err)
		}
		return c.refused(response, body)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if err := yield(lines.Bytes()); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return fault.ErrInterrupted
	case lines.Err() != nil:
		return fault.Errorf(fault.Unreachable, "%s hung up: %w", c.base, lines.Err())
	}
	return nil
}

// brokenOff is the error for an answer that began, and could not be read to its end.
func (c *Client) brokenOff(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fault.ErrInterrupted
	case ctx.Err() != nil:
		return fault.CannotReach(c.base.String(), "--admin or ADMIN", ctx.Err())
	}
	return fault.Errorf(fault.Unreachable, "%s broke its answer off: %w", c.base, err)
}

func (c *Client) do(ctx context.Context, method string, query url.Values, body []byte, path []string) (*http.Response, error) {
	escaped := make([]string, len(path))
	for i, part := range path {
		if part == "." || part == ".." {
			return nil, fault.Errorf(fault.Usage, "the user %q cannot be asked about here, for in an address it means another place: online --user and last-seen can", part)
		}
		escaped[i] = url.PathEscape(part)
	}
	where := c.base.JoinPath(escaped...)
	where.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, where.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, fault.ErrInterrupted
	case err != nil:
		return nil, fault.CannotReach(c.base.String(), "--admin or ADMIN", reason(err))
	}
	return response, nil
}

// reason is err without the URL and its query, which net/http writes before it.
func reason(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
