package lineedit

import "strings"

// MaxLine is the most bytes of a line; what is typed beyond it is left out.
const MaxLine = 64 << 10

// Editor is a line that is being edited. The zero value is ready.
type Editor struct {
	// Complete returns what a word that is begun may become; it stands at the beginning
	// of the line. nil: nothing is completed.
	Complete func(begun string) []string

	line    line
	history history
}

// Outcome says what a key means beyond the line. The set is closed.
type Outcome uint8

// The outcomes.
const (
	Edited    Outcome = iota // the line may have changed
	Submitted                // Event.Line was entered, and the line is empty
	Leave                    // Ctrl-C on an empty line
	Ended                    // Ctrl-D on an empty line
	Stop                     // Ctrl-Z
	Repaint                  // Ctrl-L: all of the screen
	Listed                   // Event.Choices are what the word may become
)

// Event is what came of a key.
type Event struct {
	Outcome Outcome
	Line    string
	Choices []string
}

// Empty reports whether nothing is typed.
func (e *Editor) Empty() bool { return e.line.text() == "" }

// Press takes a key.
func (e *Editor) Press(k Key) Event {
	switch k.Code {
	case Enter:
		text := e.line.text()
		e.history.add(text)
		e.line.set("")
		return Event{Outcome: Submitted, Line: text}
	case Interrupt:
		if e.Empty() {
			return Event{Outcome: Leave}
		}
		e.history.add("")
		e.line.set("")
	case EOF:
		if e.Empty() {
			return Event{Outcome: Ended}
		}
		e.line.deleteRight(e.line.rightOne())
	case Suspend:
		return Event{Outcome: Stop}
	case Redraw:
		return Event{Outcome: Repaint}
	case Tab:
		return e.complete()
	case Up:
		e.recall(-1)
	case Down:
		e.recall(+1)
	default:
		e.edit(k)
	}
	return Event{}
}

// edit takes the keys that concern the line alone.
func (e *Editor) edit(k Key) {
	l := &e.line
	switch k.Code {
	case Text:
		l.insert(k.Text)
	case Left:
		l.moveLeft(l.leftOne())
	case Right:
		l.moveRight(l.rightOne())
	case WordLeft:
		l.moveLeft(l.leftWord(inWord))
	case WordRight:
		l.moveRight(l.rightWord(inWord))
	case Home:
		l.moveLeft(len(l.left))
	case End:
		l.moveRight(len(l.right))
	case Backspace:
		l.deleteLeft(l.leftOne())
	case Delete:
		l.deleteRight(l.rightOne())
	case KillLeft:
		l.kill(l.deleteLeft(len(l.left)))
	case KillRight:
		l.kill(l.deleteRight(len(l.right)))
	case KillWord:
		l.kill(l.deleteLeft(l.leftWord(notBlank)))
	case KillWordLeft:
		l.kill(l.deleteLeft(l.leftWord(inWord)))
	case KillWordRight:
		l.kill(l.deleteRight(l.rightWord(inWord)))
	case Yank:
		l.insert(l.killed)
	case Enter, Tab, Interrupt, EOF, Suspend, Redraw, Up, Down: // of Press
	}
}

func (e *Editor) recall(by int) {
	if text, ok := e.history.move(by, e.line.text()); ok {
		e.line.set(text)
	}
}

// complete puts in as much as all choices have in common; if that is nothing new, they are
// listed.
func (e *Editor) complete() Event {
	if e.Complete == nil || e.line.left == "" {
		return Event{}
	}
	choices := e.Complete(e.line.left)
	if len(choices) == 0 {
		return Event{}
	}
	common := choices[0]
	for _, c := range choices[1:] {
		for !strings.HasPrefix(c, common) {
			common = common[:len(common)-1]
		}
	}
	if len(common) > len(e.line.left) {
		e.line.left = common
		return Event{}
	}
	if len(choices) > 1 {
		return Event{Outcome: Listed, Choices: choices}
	}
	return Event{}
}
