package terminal

// MayColour reports whether what is written to a terminal may have colours and bold: not
// if NO_COLOR is set to anything but the empty text (no-color.org), nor if TERM says that
// the terminal has none. lookup finds environment variables. Whether it is a terminal is
// for the caller to know: nothing else is ever coloured.
func MayColour(lookup func(string) (string, bool)) bool {
	if off, _ := lookup("NO_COLOR"); off != "" {
		return false
	}
	return Moves(lookup)
}

// Moves reports whether a terminal can move its cursor, and so can show something in the
// place of something else.
func Moves(lookup func(string) (string, bool)) bool {
	kind, _ := lookup("TERM")
	return kind != "dumb"
}
