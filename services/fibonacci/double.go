package fibonacci

import (
	"context"
	"math/big"
	"math/bits"
)

// double computes F(n) from the leading bits of n to all of them. From f = F(k) and
// g = F(k-1), with two squarings per bit instead of the usual three multiplications:
//
//	F(2k+1) = 4f² - g² + 2(-1)^k
//	F(2k-1) = f² + g²
//	F(2k)   = F(2k+1) - F(2k-1)
//
// For the last bit one of the three is enough, and takes one multiplication. (The
// identities are those of GMP's mpz_fib_ui.)
func double(ctx context.Context, n uint64) (*big.Int, error) {
	if n < 2 {
		return new(big.Int).SetUint64(n), ctx.Err()
	}
	f, g := big.NewInt(1), new(big.Int)
	u, v := new(big.Int), new(big.Int)
	for bit := bits.Len64(n) - 2; bit > 0; bit-- {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		u.Mul(f, f)
		v.Mul(g, g)
		g.Add(u, v)
		u.Sub(u.Lsh(u, 2), v)
		addSign(u, n>>(bit+1))
		v.Sub(u, g)
		if n>>bit&1 == 1 {
			f, g, u, v = u, v, f, g
		} else {
			f, v = v, f
		}
	}
	return doubleLast(f, g, n), ctx.Err()
}

// doubleLast computes F(n) from f = F(k) and g = F(k-1), k = n/2. It spoils f and g.
func doubleLast(f, g *big.Int, n uint64) *big.Int {
	if n&1 == 0 {
		g.Add(f, g.Lsh(g, 1))
		return new(big.Int).Mul(f, g) // F(2k) = f(f + 2g)
	}
	f.Lsh(f, 1)
	sum := new(big.Int).Add(f, g)
	v := new(big.Int).Mul(sum, f.Sub(f, g)) // F(2k+1) = (2f + g)(2f - g) + 2(-1)^k
	addSign(v, n>>1)
	return v
}

var two = big.NewInt(2)

// addSign adds 2(-1)^k to x.
func addSign(x *big.Int, k uint64) {
	if k&1 == 0 {
		x.Add(x, two)
	} else {
		x.Sub(x, two)
	}
}

// doubleUint64 is double on machine words. What overflows on the way overflows back.
func doubleUint64(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	f, g := uint64(1), uint64(0)
	for bit := bits.Len64(n) - 2; bit >= 0; bit-- {
		ff, gg := f*f, g*g
		odd := 4*ff - gg + 2 - 4*(n>>(bit+1)&1)
		even := odd - (ff + gg)
		if n>>bit&1 == 1 {
			f, g = odd, even
		} else {
			f, g = even, ff+gg
		}
	}
	return f
}
