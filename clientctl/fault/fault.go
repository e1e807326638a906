// Package fault says what kind of failure an error is, as far as the caller of the
// program should act on it. The program's exit codes follow from it.
//
// It is pure, and its values are immutable.
package fault

import (
	"errors"
	"fmt"
)

// Kind is a kind of failure. The set is closed.
type Kind uint8

// The kinds.
const (
	Failed      Kind = iota // anything else
	Usage                   // the command line or a variable is wrong
	Unreachable             // nothing answers at the address
	Refused                 // the server said no
	Interrupted             // a signal ended it
)

// ErrInterrupted is returned when a signal ended what was going on.
var ErrInterrupted = &Error{Kind: Interrupted, err: errors.New("interrupted")}

// Error is an error of a kind. It reads as the error that it wraps.
type Error struct {
	Kind Kind
	err  error
}

// Errorf returns an error of kind k; the format is that of fmt.Errorf.
func Errorf(k Kind, format string, args ...any) error {
	return &Error{Kind: k, err: fmt.Errorf(format, args...)}
}

// Error implements error.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the error that e classifies.
func (e *Error) Unwrap() error { return e.err }

// KindOf returns the kind of err: that of the outermost Error in its chain, or Failed.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Failed
}
