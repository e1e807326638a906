package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/zap"
)

// ErrNoHandler is returned by Listen for a Config without a Handler.
var ErrNoHandler = errors.New("gateway: Config.Handler is required")

// reservedFiles are the file descriptors that MaxConns leaves to everything else.
const reservedFiles = 256

// complete returns c with its defaults filled in, or what is wrong with it. files is
// how many file descriptors the process may have.
func (c Config) complete(files uint64) (Config, error) {
	if c.Handler == nil {
		return c, ErrNoHandler
	}
	if c.HTTP == nil {
		c.HTTP = http.HandlerFunc(upgradeRequired)
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.Shown == nil {
		c.Shown = func(netip.Addr) string { return "" }
	}
	var wrong error
	number := func(name string, field *int, fallback int) {
		if *field < 0 {
			wrong = errors.Join(wrong, fmt.Errorf("gateway: %s is negative: %d", name, *field))
		}
		if *field == 0 {
			*field = fallback
		}
	}
	number("Loops", &c.Loops, runtime.GOMAXPROCS(0))
	number("MaxConns", &c.MaxConns, defaultConns(files))
	number("MaxHandshakes", &c.MaxHandshakes, 4096)
	number("MaxHeader", &c.MaxHeader, 8<<10)
	number("MaxMessage", &c.MaxMessage, 64<<10)
	number("MaxFragments", &c.MaxFragments, 64)
	number("MaxOutbound", &c.MaxOutbound, 1<<20)
	number("SendBuffer", &c.SendBuffer, 64<<10)
	total := func(name string, field *int64, fallback int) {
		n := int(*field)
		number(name, &n, fallback)
		*field = int64(n)
	}
	total("MaxInboundTotal", &c.MaxInboundTotal, 256<<20)
	total("MaxOutboundTotal", &c.MaxOutboundTotal, 256<<20)

	period := func(name string, field *time.Duration, fallback time.Duration) {
		if *field < 0 {
			wrong = errors.Join(wrong, fmt.Errorf("gateway: %s is negative: %v", name, *field))
		}
		if *field == 0 {
			*field = fallback
		}
	}
	period("HandshakeTimeout", &c.HandshakeTimeout, 5*time.Second)
	period("PingAfter", &c.PingAfter, 20*time.Second)
	period("PingTimeout", &c.PingTimeout, 10*time.Second)
	period("CloseTimeout", &c.CloseTimeout, 5*time.Second)
	return c, wrong
}

// defaultConns leaves room for other files, but at least half of a small limit.
func defaultConns(files uint64) int {
	const most = 1 << 24 // an unlimited RLIMIT_NOFILE is no limit at all
	files = min(files, most)
	if files < 2*reservedFiles {
		return int(files / 2)
	}
	return int(files - reservedFiles)
}

func (c Config) patience() patience {
	return patience{pingAfter: c.PingAfter, pingTimeout: c.PingTimeout, closeTimeout: c.CloseTimeout}
}

// upgradeRequired is the default answer to a request that is no upgrade.
func upgradeRequired(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Upgrade", "websocket")
	w.Header().Set("Sec-WebSocket-Version", "13")
	http.Error(w, "this is a WebSocket endpoint: connect with a WebSocket client", http.StatusUpgradeRequired)
}

// Close codes that RFC 6455 does not name.
const (
	codeRestart  ws.StatusCode = 1012 // IANA: service restart
	codeTryLater ws.StatusCode = 1013 // IANA: try again later
	codeSlow     ws.StatusCode = 4008
	codeTimeout  ws.StatusCode = 4012
)
