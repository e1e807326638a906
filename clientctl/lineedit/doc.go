// Package lineedit edits one line of text at a terminal: it turns the bytes of a keyboard
// into keys, keys into changes of the line, and the line into what fits a row of the
// screen. It has the keys that people know from their shell, a history, and completion.
//
// It is pure: it reads and writes nothing. Its values belong to one goroutine.
package lineedit
