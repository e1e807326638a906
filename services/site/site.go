// Package site answers people who open the service's address with a browser or with
// curl instead of a WebSocket client: it says what this is and how to connect.
//
// Its handler is safe for concurrent use and keeps nothing.
package site

import (
	_ "embed"
	"net/http"
)

//go:embed page.html
var page []byte

// Handler serves the public page on / and /ws, and 404 elsewhere.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", servePage)
	mux.HandleFunc("GET /ws", servePage)
	return mux
}

func servePage(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(page) // the only error is that the reader has gone
}
