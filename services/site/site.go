// Package site is the web pages: the public one, which a browser shows at the service's
// address, and that of the operators, which the operator's API serves. The public
// page connects to the WebSocket of its own origin and uses nothing else. It is plain HTML,
// CSS and JavaScript modules, as they are in the folder assets; there is no build step.
//
// Where JavaScript is off, and to who asks with curl, the page says what this address is and
// how to connect.
//
// Its handler is safe for concurrent use, keeps nothing, and knows no user: all that is
// shown beyond the files comes over the WebSocket.
package site

import (
	"embed"
	"net/http"
)

//go:embed assets
var embedded embed.FS

// files are what is served, read once.
var files = readFiles(embedded, "assets")

// Handler serves the public page on / and /ws, what it consists of below /assets/, and 404
// elsewhere.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", files["page.html"])
	mux.Handle("GET /ws", files["page.html"])
	mux.Handle("GET /assets/{name}", Assets())
	return mux
}

// Assets serves the files that the pages are made of, by the name in the path's last part:
// styles, modules and icons. The pages themselves are not among them.
func Assets() http.Handler { return parts(files) }

// parts serves files, but for pages, by the name in the path's last part.
func parts(of map[string]*file) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, found := of[r.PathValue("name")]
		if !found || f.isPage() {
			secure(w.Header())
			http.NotFound(w, r)
			return
		}
		f.ServeHTTP(w, r)
	})
}
