package gateway

import "testing"

func TestMailbox_rings_once_per_batch(t *testing.T) {
	rings := 0
	m := mailbox{ring: func() { rings++ }}
	m.put(letter{kind: drain, count: 1})
	m.put(letter{kind: drain, count: 2})
	m.wake()
	if got := m.take(nil); rings != 1 || len(got) != 2 || got[1].count != 2 {
		t.Errorf("%d rings, letters %v", rings, got)
	}
	m.wake()
	if rings != 2 {
		t.Errorf("%d rings after the mailbox was emptied", rings)
	}
	m.put(letter{kind: cut})
	if last := m.close(); len(last) != 1 {
		t.Errorf("%d letters at the end", len(last))
	}
	if m.wake(); m.put(letter{kind: drain}) || rings != 2 {
		t.Errorf("a closed mailbox takes letters, or rings: %d", rings)
	}
}
