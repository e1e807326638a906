package fibonacci

import (
	"context"
	"math/big"
	"math/bits"
)

// matrix computes F(n) as an entry of a power of a matrix,
//
//	( 1 1 )^k   ( F(k+1) F(k)   )   ( a b )
//	( 1 0 )   = ( F(k)   F(k-1) ) = ( b c ),
//
// by squaring for each bit of k, and one more factor for each bit that is 1.
func matrix(ctx context.Context, n uint64) (*big.Int, error) {
	a, b, c := big.NewInt(1), new(big.Int), big.NewInt(1)
	t, bb := new(big.Int), new(big.Int)
	for bit := bits.Len64(n) - 1; bit >= 0; bit-- {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		bb.Mul(b, b)
		t.Add(a, c)
		b.Set(t.Mul(t, b))
		a.Add(t.Mul(a, a), bb)
		c.Add(t.Mul(c, c), bb)
		if n>>bit&1 == 1 {
			t.Add(a, b)
			a, b, c, t = t, a, b, c
		}
	}
	return b, ctx.Err()
}

// matrixUint64 is matrix on machine words. What overflows on the way is not used.
func matrixUint64(n uint64) uint64 {
	a, b, c := uint64(1), uint64(0), uint64(1)
	for bit := bits.Len64(n) - 1; bit >= 0; bit-- {
		a, b, c = a*a+b*b, b*(a+c), b*b+c*c
		if n>>bit&1 == 1 {
			a, b, c = a+b, a, b
		}
	}
	return b
}
