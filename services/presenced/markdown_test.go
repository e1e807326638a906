package main

import (
	"fmt"
	"regexp"
	"strings"
)

// part is one part of a document in Markdown. Of the language it knows what our documents
// use: headings with #, code that is indented or fenced, lists, tables, and paragraphs.
type part struct {
	line int    // where it begins, from 1
	kind string // "heading 2", "code block", "list item", "table row" or "paragraph"
	text string // of code all lines as they stand, of all else one line
}

var (
	headingLine = regexp.MustCompile(`^(#{1,6}) +(.*)$`)
	itemLine    = regexp.MustCompile(`^ {0,3}(?:[-*+]|[0-9]+\.) +(.*)$`)
	fenceLine   = regexp.MustCompile("^(```|~~~)")
)

// indent is what makes code of a line that no paragraph goes on with.
const indent = "    "

// partsOf are the parts of a document, in their order.
func partsOf(document string) []part {
	p := &parser{lines: strings.Split(document, "\n")}
	for p.next < len(p.lines) {
		p.step()
	}
	return p.parts
}

// parser goes through a document, some lines a step.
type parser struct {
	lines []string
	next  int
	open  bool // the line before belongs to a paragraph or an item, which this one may go on with
	parts []part
}

// step takes the next line, and of code all lines.
func (p *parser) step() {
	line := p.lines[p.next]
	switch heading, item := headingLine.FindStringSubmatch(line), itemLine.FindStringSubmatch(line); {
	case strings.TrimSpace(line) == "":
		p.open, p.next = false, p.next+1
	case fenceLine.MatchString(line):
		p.code(p.endOfFenced(fenceLine.FindString(line)))
	case !p.open && strings.HasPrefix(line, indent):
		p.code(p.endOfIndented())
	case heading != nil:
		p.add(fmt.Sprint("heading ", len(heading[1])), heading[2], false)
	case strings.HasPrefix(line, "|"):
		p.add("table row", line, false)
	case item != nil:
		p.add("list item", item[1], true)
	case p.open:
		p.parts[len(p.parts)-1].text += " " + strings.TrimSpace(line)
		p.next++
	default:
		p.add("paragraph", strings.TrimSpace(line), true)
	}
}

// add makes a part of the next line.
func (p *parser) add(kind, text string, open bool) {
	p.parts = append(p.parts, part{p.next + 1, kind, text})
	p.open, p.next = open, p.next+1
}

// code makes a part of the lines up to one, but for empty ones at their end.
func (p *parser) code(end int) {
	text := strings.TrimRight(strings.Join(p.lines[p.next:end], "\n"), " \n")
	p.parts = append(p.parts, part{p.next + 1, "code block", text})
	p.open, p.next = false, end
}

// endOfFenced is the line after the fence that closes the code that begins here.
func (p *parser) endOfFenced(fence string) int {
	for i := p.next + 1; i < len(p.lines); i++ {
		if strings.HasPrefix(p.lines[i], fence) {
			return i + 1
		}
	}
	return len(p.lines)
}

// endOfIndented is the first line that is neither indented nor empty.
func (p *parser) endOfIndented() int {
	for i := p.next + 1; i < len(p.lines); i++ {
		if !strings.HasPrefix(p.lines[i], indent) && strings.TrimSpace(p.lines[i]) != "" {
			return i
		}
	}
	return len(p.lines)
}

// cells are the cells of a row of a table.
func cells(row string) (all []string) {
	row = strings.TrimSpace(strings.ReplaceAll(row, `\|`, "\x00"))
	row = strings.TrimSuffix(strings.TrimPrefix(row, "|"), "|")
	for cell := range strings.SplitSeq(row, "|") {
		all = append(all, strings.TrimSpace(cell))
	}
	return all
}

// prose is a text without its code.
func prose(text string) string { return inBackticks.ReplaceAllString(text, "") }

var linkTarget = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)|<([a-z]+://[^>]+)>|(?:src|srcset|href)="([^"]+)"`)

// targets are what the links and images of a text lead to.
func targets(text string) (all []string) {
	for _, found := range linkTarget.FindAllStringSubmatch(prose(text), -1) {
		all = append(all, found[1]+found[2]+found[3])
	}
	return all
}
