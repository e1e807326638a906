package work

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestAnswer(t *testing.T) {
	if got := string(Answer([]byte(Command))); !strings.Contains(got, `"n":90,"value":"2880067194370816120"`) {
		t.Errorf("F(90) is answered by %s", got)
	}
	if got := string(Answer([]byte(`{"type":"fibonacci","n":91}`))); !strings.Contains(got, `"error"`) {
		t.Errorf("F(91) is answered by %s", got)
	}
}

func TestCrowd(t *testing.T) {
	const n = 101
	c := NewCrowd[int]()
	for i := range n {
		c.Add(i)
	}
	for i := 0; i < n; i += 2 {
		c.Remove(i)
		c.Remove(i) // a second time it is not there
	}
	var mu sync.Mutex
	var got, want []int
	c.Each(func(i int) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, i)
	})
	for i := 1; i < n; i += 2 {
		want = append(want, i)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
