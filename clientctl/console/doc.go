// Package console is a terminal at which a person types while results come: lines scroll
// by above a status line and a line of input, which stay at the bottom.
//
// # The screen
//
// The two rows are erased before a line is written and drawn again below it, in one write,
// and a status that changes is written over in place; nothing else of the screen is
// touched, so what has scrolled by stays in the terminal's own memory. It needs a terminal
// that knows the cursor movements of ECMA-48. When the window becomes narrower it takes the
// terminal for one that wraps its rows anew, as nearly all do.
//
// # Concurrency
//
// A Console may be used by many goroutines. It starts three, which Close waits for: one
// reads the keyboard, one hears signals, one ticks. Lines that were entered wait, a bounded
// number, until they are read, so that keys, Ctrl-C among them, never wait for a server.
//
// # The end
//
// Close gives the terminal back as it was. A panic of one of its goroutines does so too,
// before it ends the program; so does the caller's, if the caller defers Close.
package console
