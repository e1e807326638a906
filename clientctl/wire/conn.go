package wire

import (
	"bufio"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/presenced/presence/services/protocol"
)

const (
	// MaxMessage is the most bytes of a message from the server. The largest answer,
	// F(1,000,000), has 209 KB.
	MaxMessage = 4 << 20

	writeTimeout = 10 * time.Second
)

// ErrSilent is returned when nothing has come from the server for too long.
var ErrSilent = errors.New("nothing came from the server for too long")

// Op says what a Message is. The set is closed.
type Op uint8

// The kinds of messages.
const (
	Text  Op = iota + 1 // Payload is valid UTF-8
	Ping                // to be answered with WritePong
	Pong                // an answer to a ping, or a bare sign of life
	Close               // the last message: Code and Payload, the reason, say why
)

// Message is one message from the server.
type Message struct {
	Op      Op
	Code    protocol.CloseCode // of Close; 0: the server gave none
	Payload []byte             // the receiver's to keep
}

// Conn is one connection. Make it with Dial.
type Conn struct {
	// static after construction
	net *timedConn
	r   *bufio.Reader

	// owned by the reading goroutine
	state    ws.State // whether a fragmented message is under way
	fragment []byte   // what came of it
}

// Read returns the next message. It fails with ErrSilent, with a *BrokenError when
// the server breaks the protocol, or with the socket's error; io.EOF says that the
// socket ended without a close frame. After an error the connection is of no use,
// but for WriteClose.
func (c *Conn) Read() (Message, error) {
	for {
		h, payload, err := c.readFrame()
		if err != nil {
			return Message{}, err
		}
		if h.OpCode.IsControl() {
			return control(h.OpCode, payload)
		}
		c.fragment = append(c.fragment, payload...)
		if !h.Fin {
			c.state = c.state.Set(ws.StateFragmented)
			continue
		}
		message := c.fragment
		c.state, c.fragment = c.state.Clear(ws.StateFragmented), nil
		if !utf8.Valid(message) {
			return Message{}, broken(protocol.CloseInvalidData, "a text message that is not UTF-8")
		}
		return Message{Op: Text, Payload: message}, nil
	}
}

func (c *Conn) readFrame() (ws.Header, []byte, error) {
	h, err := ws.ReadHeader(c.r)
	switch {
	case errors.Is(err, ws.ErrHeaderLengthMSB), errors.Is(err, ws.ErrHeaderLengthUnexpected):
		return h, nil, broken(protocol.CloseProtocol, err.Error())
	case err != nil:
		return h, nil, silence(err)
	}
	if err := ws.CheckHeader(h, c.state); err != nil {
		return h, nil, broken(protocol.CloseProtocol, err.Error())
	}
	if h.OpCode == ws.OpBinary {
		return h, nil, broken(protocol.CloseUnsupported, "a binary message")
	}
	if h.Length > int64(MaxMessage-len(c.fragment)) && !h.OpCode.IsControl() {
		return h, nil, broken(protocol.CloseTooBig, "a message that is too long")
	}
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(c.r, payload); err != nil {
		return h, nil, silence(err)
	}
	return h, payload, nil
}

// silence turns the read deadline's error into ErrSilent.
func silence(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrSilent
	}
	return err
}

func control(op ws.OpCode, payload []byte) (Message, error) {
	switch op {
	case ws.OpPing:
		return Message{Op: Ping, Payload: payload}, nil
	case ws.OpPong:
		return Message{Op: Pong, Payload: payload}, nil
	}
	if len(payload) == 0 {
		return Message{Op: Close}, nil
	}
	code, reason := ws.ParseCloseFrameData(payload)
	if !mayBeSent(protocol.CloseCode(code)) || !utf8.ValidString(reason) {
		return Message{}, broken(protocol.CloseProtocol, "a malformed close frame")
	}
	return Message{Op: Close, Code: protocol.CloseCode(code), Payload: []byte(reason)}, nil
}

// mayBeSent reports whether c may stand in a close frame (RFC 6455 section 7.4).
// ws.CheckCloseFrameData does not know the codes that were registered later, such as
// 1012 and 1013.
func mayBeSent(c protocol.CloseCode) bool {
	switch {
	case c >= 1000 && c <= 1003, c >= 1007 && c <= 1014, c >= 3000 && c <= 4999:
		return true
	}
	return false
}

// WriteText sends a text message.
func (c *Conn) WriteText(p []byte) error { return c.write(ws.NewTextFrame(p)) }

// WritePong answers a ping, whose payload it repeats.
func (c *Conn) WritePong(p []byte) error { return c.write(ws.NewPongFrame(p)) }

// WriteClose sends a close frame; code 0 sends one without a code. It is the last
// write.
func (c *Conn) WriteClose(code protocol.CloseCode) error {
	var body []byte
	if code != 0 {
		body = ws.NewCloseFrameBody(ws.StatusCode(code), "")
	}
	return c.write(ws.NewCloseFrame(body))
}

// write sends one frame in one write, masked with a key that nobody can predict
// (RFC 6455 section 5.3); that of ws.MaskFrame is from a weaker source.
func (c *Conn) write(f ws.Frame) error {
	var mask [4]byte
	rand.Read(mask[:]) // never fails
	frame, err := ws.CompileFrame(ws.MaskFrameWith(f, mask))
	if err != nil {
		return err
	}
	c.net.SetWriteDeadline(time.Now().Add(writeTimeout)) // fails on a closed socket, as the write will
	_, err = c.net.Write(frame)
	return err
}

// Close ends the socket, without a close frame.
func (c *Conn) Close() { c.net.Close() }

// timedConn gives every read of bytes its own deadline, so that any byte counts as a
// sign of life, also one in the middle of a long message.
type timedConn struct {
	net.Conn
	silence time.Duration // 0: reads have the deadline that was set; set once, before the first Read
}

func (c *timedConn) Read(p []byte) (int, error) {
	if c.silence > 0 {
		c.SetReadDeadline(time.Now().Add(c.silence)) // fails on a closed socket, as the read will
	}
	return c.Conn.Read(p)
}
