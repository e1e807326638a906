package talk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxLine is the most bytes of a line of the input: room for the longest message.
const maxLine = maxMessage

// readLines parses the lines of in and sends them until the input ends, and then
// closes lines. It stops early when quit is closed and a line is there to be sent.
func readLines(in io.Reader, lines chan<- Line, quit <-chan struct{}) {
	defer close(lines)
	r := bufio.NewReaderSize(in, maxLine)
	for {
		line, err := readLine(r)
		if err != nil {
			return
		}
		select {
		case lines <- line:
		case <-quit:
			return
		}
	}
}

// readLine returns the next line; one that is too long is read over. An error says
// that the input has ended, and that nothing is left of it.
func readLine(r *bufio.Reader) (Line, error) {
	text, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.ReadSlice('\n')
		}
		return Line{Err: fmt.Errorf("a line of more than %d bytes is not understood: %s", maxLine, help)}, nil
	}
	if err != nil && len(text) == 0 {
		return Line{}, err
	}
	return ParseLine(string(text)), nil // a last line without its newline is one too
}
