//go:build !linux

package gateway

// Listen returns ErrUnsupported.
func Listen([]string, Config) (Server, error) { return nil, ErrUnsupported }
