package site

import (
	"embed"
	"net/http"
)

//go:embed operator
var embeddedOperator embed.FS

// operatorFiles are what the operators' page has beside the assets, read once.
var operatorFiles = readFiles(embeddedOperator, "operator")

// Operator serves the operators' page on /, and what it consists of below /assets/ and
// /operator/. It is to be served by the operator's API, which the page asks for all that it
// shows; in these files there is nothing that not everybody may see.
func Operator() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", operatorFiles["operator.html"])
	mux.Handle("GET /assets/{name}", Assets())
	mux.Handle("GET /operator/{name}", parts(operatorFiles))
	return mux
}
