package terminal

// Colours says whether text is coloured. The text must be escaped before: see Escape.
type Colours bool

// The codes of ECMA-48, "select graphic rendition".
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// Bold makes s stand out.
func (c Colours) Bold(s string) string { return c.render(bold, s) }

// Dim makes s stand back.
func (c Colours) Dim(s string) string { return c.render(dim, s) }

// Red is for what has gone or failed.
func (c Colours) Red(s string) string { return c.render(red, s) }

// Green is for what has come or is well.
func (c Colours) Green(s string) string { return c.render(green, s) }

// Yellow is for what a reader should know.
func (c Colours) Yellow(s string) string { return c.render(yellow, s) }

func (c Colours) render(code, s string) string {
	if !c || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
