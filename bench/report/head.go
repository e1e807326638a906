package report

import "strings"

// ReplaceHead returns a text of Markdown whose head, all that is before its first section
// ("## …"), is another one. Its sections stay as they are.
func ReplaceHead(text, head string) string {
	_, sections, found := strings.Cut("\n"+text, "\n## ")
	if !found {
		return head
	}
	return strings.TrimRight(head, "\n") + "\n\n## " + sections
}
