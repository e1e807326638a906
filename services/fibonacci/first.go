package fibonacci

import (
	"context"
	"slices"
)

// First computes the first n numbers, F(0) to F(n-1), each in decimal. It looks at
// ctx between numbers. To bound n is up to the caller: the answer's size grows with
// its square, and for 1,000 it is 105 KB.
//
// Each is the sum of the two before it, digit by digit: for the n that we allow that
// is a good deal less than to add binary numbers and to convert each.
func First(ctx context.Context, n int) ([][]byte, error) {
	values := make([][]byte, 0, n)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if i < 2 {
			values = append(values, []byte{byte('0' + i)})
			continue
		}
		values = append(values, addDecimal(values[i-2], values[i-1]))
	}
	return values, ctx.Err()
}

// addDecimal is a + b in decimal, for a that is at most one digit shorter than b, and
// not longer.
func addDecimal(a, b []byte) []byte {
	sum := make([]byte, len(b)+1)
	tail, carry := b[len(b)-len(a):], byte(0)
	for i, d := range slices.Backward(a) {
		sum[len(sum)-len(a)+i], carry = digitSum(d, tail[i], carry)
	}
	if len(a) < len(b) {
		sum[1], carry = digitSum('0', b[0], carry)
	}
	if carry == 0 {
		return sum[1:]
	}
	sum[0] = '1'
	return sum
}

// digitSum adds two digits and a carry. It has no branch, which a processor would
// guess wrong half of the time.
func digitSum(a, b, carryIn byte) (digit, carry byte) {
	d := a + b - '0' + carryIn
	carry = (d + 127 - '9') >> 7 // 1 if d is beyond '9'
	return d - 10*carry, carry
}
