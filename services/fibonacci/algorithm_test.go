package fibonacci

import (
	"context"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var algorithms = []Algorithm{FastDoubling, Matrix, Iterative}

func TestAlgorithm_KnownValues(t *testing.T) {
	tests := []struct {
		n    uint64
		want string // the whole number, or with "…" before them its last digits
	}{
		{0, "0"},
		{1, "1"},
		{2, "1"},
		{3, "2"},
		{10, "55"},
		{42, "267914296"},
		{92, "7540113804746346429"},
		{93, "12200160415121876738"},
		{94, "19740274219868223167"},
		{100, "354224848179261915075"},
		{1000, "43466557686937456435688527675040625802564660517371780402481729089536555417949051890403879840079255169295922593080322634775209689623239873322471161642996440906533187938298969649928516003704476137795166849228875"},
		{1_000_000, "…8242546875"},
	}
	for _, a := range algorithms {
		t.Run(a.String(), func(t *testing.T) {
			for _, tt := range tests {
				if a == Iterative && tt.n > 100_000 && testing.Short() {
					continue
				}
				got, err := a.AppendDecimal(t.Context(), nil, tt.n)
				if err != nil {
					t.Fatal(err)
				}
				end, short := strings.CutPrefix(tt.want, "…")
				if short && !strings.HasSuffix(string(got), end) || !short && string(got) != tt.want {
					t.Errorf("F(%d) = %s, want %s", tt.n, got, tt.want)
				}
				if short && len(got) != 208_988 {
					t.Errorf("F(%d) has %d digits, want 208988", tt.n, len(got))
				}
			}
		})
	}
}

func TestAlgorithm_Uint64(t *testing.T) {
	for _, a := range algorithms {
		t.Run(a.String(), func(t *testing.T) {
			x, y := new(big.Int), big.NewInt(1)
			for n := range uint64(MaxUint64 + 1) {
				got, ok := a.Uint64(n)
				if !ok || got != x.Uint64() || !x.IsUint64() {
					t.Fatalf("F(%d) = %d, %v, want %s", n, got, ok, x)
				}
				x.Add(x, y)
				x, y = y, x
			}
			if x.IsUint64() {
				t.Errorf("F(%d) fits too", MaxUint64+1)
			}
			if v, ok := a.Uint64(MaxUint64 + 1); ok {
				t.Errorf("F(%d) = %d", MaxUint64+1, v)
			}
		})
	}
}

func TestAlgorithm_AllAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(0, 20_000).Draw(t, "n")
		want, err := Iterative.Int(context.Background(), n)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range algorithms {
			got, err := a.Int(context.Background(), n)
			if err != nil || got.Cmp(want) != 0 {
				t.Fatalf("%s: F(%d) = %s, %v, want %s", a, n, got, err, want)
			}
		}
	})
}

// TestAlgorithm_Identity holds large numbers, where the definition is slow, to the
// identity F(m+n) = F(m)F(n+1) + F(m-1)F(n).
func TestAlgorithm_Identity(t *testing.T) {
	for _, a := range []Algorithm{FastDoubling, Matrix} {
		rapid.Check(t, func(t *rapid.T) {
			m := rapid.Uint64Range(1, 100_000).Draw(t, "m")
			n := rapid.Uint64Range(0, 100_000).Draw(t, "n")
			f := func(n uint64) *big.Int {
				v, err := a.Int(context.Background(), n)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			want := new(big.Int).Mul(f(m), f(n+1))
			want.Add(want, new(big.Int).Mul(f(m-1), f(n)))
			if got := f(m + n); got.Cmp(want) != 0 {
				t.Fatalf("%s: F(%d+%d) breaks the identity", a, m, n)
			}
		})
	}
}

func TestAlgorithm_StopsBetweenSteps(t *testing.T) {
	for _, a := range algorithms {
		for _, n := range []uint64{0, 1, 2, 1000} {
			// A context that ends at its k-th look, for each k that there is.
			looks := 0
			for {
				ctx := &endsAfter{Context: t.Context(), looks: looks + 1}
				_, err := a.AppendDecimal(ctx, nil, n)
				if err == nil {
					break
				}
				if !errors.Is(err, context.Canceled) {
					t.Fatalf("%s: F(%d): %v", a, n, err)
				}
				looks++
			}
			if looks < 2 {
				t.Errorf("%s: F(%d): looked at the context %d times, want one in the end and one before the decimal conversion", a, n, looks)
			}
			if n == 1000 && looks < 4 {
				t.Errorf("%s: F(%d): looked at the context %d times, want some between the steps", a, n, looks)
			}
		}
	}
}

// endsAfter is a context that has ended at the given number of looks.
type endsAfter struct {
	context.Context
	looks int
}

func (c *endsAfter) Err() error {
	if c.looks--; c.looks <= 0 {
		return context.Canceled
	}
	return nil
}

func TestAlgorithm_AppendDecimalKeepsWhatIsThere(t *testing.T) {
	got, err := Matrix.AppendDecimal(t.Context(), []byte("F(10)="), 10)
	if err != nil || string(got) != "F(10)=55" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestParseAlgorithm(t *testing.T) {
	for _, a := range algorithms {
		if got, err := ParseAlgorithm(a.String()); got != a || err != nil {
			t.Errorf("%s: got %s, %v", a, got, err)
		}
	}
	for _, name := range []string{"", "Matrix", "matrix ", "unknown", "doubling"} {
		if a, err := ParseAlgorithm(name); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%q: got %s, %v", name, a, err)
		}
	}
	if got := (Iterative + 1).String(); got != "unknown" {
		t.Errorf("got %q", got)
	}
}

func TestFirst(t *testing.T) {
	values, err := First(t.Context(), 1000)
	if err != nil || len(values) != 1000 {
		t.Fatalf("%d values, %v", len(values), err)
	}
	for n, got := range values {
		want, err := FastDoubling.AppendDecimal(t.Context(), nil, uint64(n))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Fatalf("F(%d): got %s, want %s", n, got, want)
		}
	}
	for n := range 3 {
		if values, err := First(t.Context(), n); len(values) != n || err != nil {
			t.Errorf("the first %d: got %q, %v", n, values, err)
		}
	}
}

func TestFirst_Stops(t *testing.T) {
	if v, err := First(&endsAfter{Context: t.Context(), looks: 500}, 1000); !errors.Is(err, context.Canceled) {
		t.Errorf("got %d values, %v", len(v), err)
	}
}

func TestSmallAnswers_DoNotAllocate(t *testing.T) {
	name := []byte("iterative")
	if n := testing.AllocsPerRun(100, func() {
		named, err := ParseAlgorithm(string(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range [...]Algorithm{named, FastDoubling, Matrix} {
			if v, ok := a.Uint64(90); !ok || v != 2880067194370816120 {
				t.Fatal(v, ok)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkUint64(b *testing.B) {
	for _, a := range algorithms {
		b.Run(a.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a.Uint64(90)
			}
		})
	}
}

func BenchmarkAlgorithm(b *testing.B) {
	for _, a := range algorithms {
		for _, n := range []uint64{90, 1_000, 10_000, 100_000, 1_000_000} {
			b.Run(a.String()+"/"+strconv.FormatUint(n, 10), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := a.Int(b.Context(), n); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkDecimal is the conversion alone.
func BenchmarkDecimal(b *testing.B) {
	for _, n := range []uint64{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(strconv.FormatUint(n, 10), func(b *testing.B) {
			v, err := FastDoubling.Int(b.Context(), n)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				v.Append(nil, 10)
			}
		})
	}
}

func BenchmarkFirst(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := First(b.Context(), 1000); err != nil {
			b.Fatal(err)
		}
	}
}
