package browser

import (
	"testing"
)

// The picture of the README is one of these: SHOTS=DIR go test -run Pictures.
func TestPictures(t *testing.T) {
	s := start(t)
	for _, name := range []string{"bob", "carla", "emil", "مريم", "zoe", "zoe", "zoe"} {
		s.connect(t, name)
	}
	p := visit(t, s.page())
	p.fill("#user", "ana")
	p.click("#connect-button")
	p.says("#people-count", "6 users, 8 devices")
	s.connect(t, "dana")
	p.fill("#fib-n", "300")
	p.click("#fib button")
	p.says("#fib-title", "F(300)")
	p.says("#people-count", "7 users, 9 devices")
	p.says("#clock-offset", "agrees")
	p.shown("#seq-figure")
	value[any](p, `document.activeElement.blur()`)
	p.shoot("page")
	p.dark(true)
	p.shoot("page-dark")
	p.size(360, 740)
	p.noSideways()
	p.shoot("page-phone-dark")
	p.dark(false)
	p.shoot("page-phone")
}
