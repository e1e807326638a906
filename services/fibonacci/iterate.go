package fibonacci

import (
	"context"
	"math/big"
	"math/bits"
)

// iterateCheck is how many additions are made between two looks at the context: up
// to half a millisecond of them at n = 1,000,000.
const iterateCheck = 256

// iterate computes F(n) by its definition.
func iterate(ctx context.Context, n uint64) (*big.Int, error) {
	a, b := withRoom(n), withRoom(n).SetUint64(1)
	for i := range n {
		if i%iterateCheck == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		a.Add(a, b)
		a, b = b, a
	}
	return a, ctx.Err()
}

// withRoom is 0, with room for F(n): without it a number is allocated anew each few
// hundred additions, 200 MB in all at n = 1,000,000.
func withRoom(n uint64) *big.Int {
	const bitsPerN = 0.6943 // log2 of the golden ratio, rounded up
	words := int(float64(n)*bitsPerN)/bits.UintSize + 2
	return new(big.Int).SetBits(make([]big.Word, 0, words))
}

// iterateUint64 is iterate on machine words.
func iterateUint64(n uint64) uint64 {
	a, b := uint64(0), uint64(1)
	for range n {
		a, b = b, a+b
	}
	return a
}
