package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"
)

// patience is how long a test waits for something that must happen. It is long, since
// the machine may be busy; nothing is measured by it.
const patience = 90 * time.Second

var (
	program  string          // presenced, built once
	chromium context.Context // the browser of all tests; nil: there is none
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "presence-browser-")
	if err != nil {
		return fail("%v", err)
	}
	defer os.RemoveAll(dir)

	path, found := findChromium()
	if !found {
		if os.Getenv("CI") == "true" {
			return fail("there is no Chromium, and with CI=true the tests of the web pages are not left out: apt-get install --no-install-recommends chromium")
		}
		fmt.Fprintln(os.Stderr, "SKIPPED: the tests of the web pages. There is no Chromium (or Chrome) on the PATH.")
		return m.Run() // each says so, too
	}
	program = filepath.Join(dir, "presenced")
	if out, err := exec.Command("go", "-C", "../../..", "build", "-o", program, "./services/presenced").CombinedOutput(); err != nil {
		return fail("build presenced: %v\n%s", err, out)
	}
	var stop func() error
	if chromium, stop, err = startChromium(path, filepath.Join(dir, "profile")); err != nil {
		return fail("start %s: %v", path, err)
	}
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintf(os.Stderr, "end Chromium: %v\n", err)
	}
	if err := goleak.Find(); err != nil && code == 0 {
		return fail("%v", err)
	}
	return code
}

func fail(format string, args ...any) int {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	return 1
}

// findChromium returns the path of the browser. CHROMIUM names another.
func findChromium() (path string, found bool) {
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	if other := os.Getenv("CHROMIUM"); other != "" {
		names = []string{other}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}

// startChromium starts the browser with a profile that is new. It goes nowhere by itself.
func startChromium(path, profile string) (ctx context.Context, stop func() error, err error) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Env("HOME="+filepath.Dir(profile)), // where it would leave reports of crashes
	)
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox) // which Chromium does not have for root
	}
	allocator, release := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(allocator)
	stop = func() error {
		err := chromedp.Cancel(ctx)
		cancel()
		release()
		return err
	}
	if err := chromedp.Do(ctx); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return ctx, stop, nil
}
