package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/presenced/presence/clientctl/fault"
)

func TestKindOf(t *testing.T) {
	refused := fault.Errorf(fault.Refused, "no: %w", io.ErrUnexpectedEOF)
	tests := []struct {
		err  error
		want fault.Kind
	}{
		{io.EOF, fault.Failed},
		{refused, fault.Refused},
		{fmt.Errorf("connect: %w", refused), fault.Refused},
		{fault.Errorf(fault.Usage, "outer: %w", refused), fault.Usage},
		{fault.ErrInterrupted, fault.Interrupted},
	}
	for _, tt := range tests {
		if got := fault.KindOf(tt.err); got != tt.want {
			t.Errorf("KindOf(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
	if !errors.Is(refused, io.ErrUnexpectedEOF) || refused.Error() != "no: unexpected EOF" {
		t.Errorf("the cause is lost: %v", refused)
	}
}
