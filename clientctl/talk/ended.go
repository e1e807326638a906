package talk

import "errors"

// errAnswered ends a talk that has nothing more to ask.
var errAnswered = errors.New("all is answered")

// stopError is an error that ends the talk, not only a connection.
type stopError struct{ error }

func (e *stopError) Unwrap() error { return e.error }

func stop(err error) error {
	if err == nil {
		return nil
	}
	return &stopError{err}
}

// ended is what Run returns for an error that ends the talk.
func ended(err error) error {
	if errors.Is(err, errAnswered) {
		return nil
	}
	if s, ok := errors.AsType[*stopError](err); ok {
		return s.error
	}
	return err
}
