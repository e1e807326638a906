package fibonacci

import (
	"context"
	"errors"
	"math/big"
)

// Algorithm is a way to compute F(n). The set is closed, and the zero value is the
// fastest.
type Algorithm uint8

// The algorithms, by the number of operations on numbers of the answer's size.
const (
	FastDoubling Algorithm = iota // two squarings per bit of n
	Matrix                        // three squarings and a multiplication per bit of n
	Iterative                     // n additions
)

var algorithmNames = [...]string{FastDoubling: "fast-doubling", Matrix: "matrix", Iterative: "iterative"}

// String is the algorithm's name in messages.
func (a Algorithm) String() string {
	if a > Iterative {
		return "unknown"
	}
	return algorithmNames[a]
}

// ErrAlgorithm is returned for a name that is no algorithm's. Its text names them.
var ErrAlgorithm = errors.New("algorithm must be fast-doubling, matrix or iterative")

// ParseAlgorithm reads an algorithm from its name.
func ParseAlgorithm(name string) (Algorithm, error) {
	for a := FastDoubling; a <= Iterative; a++ {
		if algorithmNames[a] == name {
			return a, nil
		}
	}
	return 0, ErrAlgorithm
}

// MaxUint64 is the highest n whose F(n) fits 64 bits.
const MaxUint64 = 93

// Uint64 computes F(n) for n up to MaxUint64 without allocating. ok is false for any
// other n.
func (a Algorithm) Uint64(n uint64) (v uint64, ok bool) {
	if n > MaxUint64 {
		return 0, false
	}
	switch a {
	case Matrix:
		return matrixUint64(n), true
	case Iterative:
		return iterateUint64(n), true
	case FastDoubling:
	}
	return doubleUint64(n), true
}

// Int computes F(n). It looks at ctx between the steps of the algorithm, and returns
// its error once it has ended. To bound n is up to the caller.
func (a Algorithm) Int(ctx context.Context, n uint64) (*big.Int, error) {
	switch a {
	case Matrix:
		return matrix(ctx, n)
	case Iterative:
		return iterate(ctx, n)
	case FastDoubling:
	}
	return double(ctx, n)
}

// AppendDecimal appends F(n) in decimal to b. It looks at ctx as Int does, and once
// more before it converts to decimal; that is most of the work of the fastest
// algorithm, and is not interrupted.
func (a Algorithm) AppendDecimal(ctx context.Context, b []byte, n uint64) ([]byte, error) {
	v, err := a.Int(ctx, n)
	if err != nil {
		return b, err
	}
	if err := ctx.Err(); err != nil {
		return b, err
	}
	return v.Append(b, 10), nil
}
