package fibonacci_test

import (
	"context"
	"fmt"

	"github.com/presenced/presence/services/fibonacci"
)

func ExampleAlgorithm() {
	a, err := fibonacci.ParseAlgorithm("matrix")
	if err != nil {
		fmt.Println(err)
		return
	}
	small, _ := a.Uint64(90)
	large, err := a.AppendDecimal(context.Background(), nil, 150)
	fmt.Println(small, string(large), err)
	// Output:
	// 2880067194370816120 9969216677189303386214405760200 <nil>
}

func ExamplePool() {
	p := fibonacci.NewPool(fibonacci.Config{})
	defer p.Close()
	connection := p.Account("42")
	defer connection.Cancel()

	done := make(chan fibonacci.Result)
	err := connection.Submit(fibonacci.Task{N: 100, Done: func(r fibonacci.Result) { done <- r }})
	if err != nil { // ErrBusy: there is no room now
		fmt.Println(err)
		return
	}
	fmt.Println(string((<-done).Value))
	// Output:
	// 354224848179261915075
}
