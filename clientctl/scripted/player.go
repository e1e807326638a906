package scripted

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

// player plays the script of one connection. It belongs to one goroutine.
type player struct {
	steps  []step
	conn   net.Conn
	r      *bufio.Reader
	probed bool // pings that probe are answered, and not told of
}

func (p *player) play(w http.ResponseWriter, r *http.Request) error {
	upgraded, err := p.upgrade(w, r)
	if err != nil || !upgraded {
		return err
	}
	defer p.conn.Close()
	for _, s := range p.steps {
		p.conn.SetDeadline(time.Now().Add(patience)) // fails if the client is gone, which the step finds out
		switch err := p.step(s); {
		case errors.Is(err, errDropped):
			return nil
		case err != nil:
			return fmt.Errorf("line %d: %s %s: %w", s.line, s.verb, s.argument, err)
		}
	}
	return p.readOn()
}

// readOn reads until the client ends the socket, so that it always can write; it
// answers a close frame.
func (p *player) readOn() error {
	for {
		p.conn.SetDeadline(time.Now().Add(patience)) // fails if the client is gone, as the read will
		op, payload, err := p.read()
		if ended(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after the last step: %w", err)
		}
		switch op {
		case ws.OpClose:
			return p.write(ws.NewCloseFrame(payload))
		case ws.OpText:
			return fmt.Errorf("after the last step the client sent %s", payload)
		}
	}
}

// upgrade takes the steps before the 101, and reports whether it was answered.
func (p *player) upgrade(w http.ResponseWriter, r *http.Request) (bool, error) {
	if len(p.steps) > 0 && p.steps[0].verb == "query" {
		if want := p.steps[0].argument; r.URL.RawQuery != want {
			http.Error(w, "another query", http.StatusInternalServerError)
			return false, fmt.Errorf("the query is %q, want %q", r.URL.RawQuery, want)
		}
		p.steps = p.steps[1:]
	}
	if len(p.steps) > 0 && p.steps[0].verb == "authorization" {
		if want, got := p.steps[0].argument, r.Header.Values("Authorization"); len(got) != 1 || got[0] != want {
			http.Error(w, "another authorization", http.StatusInternalServerError)
			return false, fmt.Errorf("the authorization is %q, want %q", got, want)
		}
		p.steps = p.steps[1:]
	}
	if len(p.steps) > 0 && p.steps[0].verb == "refuse" {
		return false, refuse(w, p.steps[0].argument)
	}
	conn, rw, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return false, err
	}
	p.conn, p.r = conn, rw.Reader
	return true, nil
}

func refuse(w http.ResponseWriter, argument string) error {
	words := strings.SplitN(argument, " ", 3)
	if len(words) != 3 {
		return fmt.Errorf("refuse %s: want STATUS SECONDS TEXT", argument)
	}
	status, err := strconv.Atoi(words[0])
	if err != nil {
		return err
	}
	if words[1] != "0" {
		w.Header().Set("Retry-After", words[1])
	}
	http.Error(w, words[2], status)
	return nil
}

var errDropped = errors.New("dropped")

func (p *player) step(s step) error {
	switch s.verb {
	case "send":
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(s.argument, `"`, `\"`) + `"`)
		if err != nil {
			return err
		}
		return p.write(ws.NewTextFrame([]byte(text)))
	case "expect":
		return p.expect(ws.OpText, s.argument)
	case "ping":
		if err := p.write(ws.NewPingFrame([]byte(s.argument))); err != nil {
			return err
		}
		return p.expect(ws.OpPong, s.argument)
	case "raw":
		raw, err := hex.DecodeString(strings.ReplaceAll(s.argument, " ", ""))
		if err != nil {
			return err
		}
		_, err = p.conn.Write(raw)
		return err
	case "close":
		return p.close(s.argument)
	case "closed":
		return p.closed(s.argument)
	case "probed":
		p.probed = true
		return nil
	case "gone":
		return p.gone()
	case "drop":
		return errDropped
	}
	return errors.New("the step stands at the wrong place")
}

func (p *player) close(argument string) error {
	word, reason, _ := strings.Cut(argument, " ")
	code, err := strconv.ParseUint(word, 10, 16)
	if err != nil {
		return err
	}
	body := ws.NewCloseFrameBody(ws.StatusCode(code), reason)
	if err := p.write(ws.NewCloseFrame(body)); err != nil {
		return err
	}
	if err := p.expect(ws.OpClose, string(body[:2])); err != nil {
		return err
	}
	return errDropped
}

func (p *player) closed(argument string) error {
	code, err := strconv.ParseUint(argument, 10, 16)
	if err != nil {
		return err
	}
	body := ws.NewCloseFrameBody(ws.StatusCode(code), "")
	if err := p.expect(ws.OpClose, string(body)); err != nil {
		return err
	}
	if err := p.write(ws.NewCloseFrame(body)); err != nil {
		return err
	}
	return errDropped
}

func (p *player) gone() error {
	for {
		if _, _, err := p.read(); ended(err) {
			return errDropped
		} else if err != nil {
			return err
		}
	}
}

func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe)
}

func (p *player) expect(op ws.OpCode, want string) error {
	got, payload, err := p.read()
	if err != nil {
		return err
	}
	if got != op || string(payload) != want {
		return fmt.Errorf("got %q (opcode %d)", payload, got)
	}
	return nil
}

// read returns the next frame, but for probes.
func (p *player) read() (ws.OpCode, []byte, error) {
	const ping, pong = `{"type":"ping","id":"probe-`, `{"type":"pong","id":"probe-`
	for {
		op, payload, err := p.readFrame()
		number, is := strings.CutPrefix(string(payload), ping)
		if !p.probed || !is || err != nil {
			return op, payload, err
		}
		if err := p.write(ws.NewTextFrame([]byte(pong + number))); err != nil {
			return op, nil, err
		}
	}
}

// readFrame returns the next frame; the clients under test send no fragments.
func (p *player) readFrame() (ws.OpCode, []byte, error) {
	h, err := ws.ReadHeader(p.r)
	if err != nil {
		return 0, nil, err
	}
	if err := ws.CheckHeader(h, ws.StateServerSide); err != nil {
		return 0, nil, err
	}
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(p.r, payload); err != nil {
		return 0, nil, err
	}
	ws.Cipher(payload, h.Mask, 0)
	return h.OpCode, payload, nil
}

func (p *player) write(f ws.Frame) error {
	frame, err := ws.CompileFrame(f)
	if err != nil {
		return err
	}
	_, err = p.conn.Write(frame)
	return err
}
