package admin

import (
	"context"
	_ "embed" // the API's description
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// Users answers who is online; presence.Online does.
type Users interface {
	Users(ctx context.Context, q presence.UserQuery) (presence.UserPage, error)
}

// Config is what the API answers from, and to whom.
type Config struct {
	Users   Users
	History History
	Store   presence.Store // its log, its nodes and its connections are read
	Bell    *presence.Bell // wakes who follows the log; default: one over the store's changes
	Kicker  Kicker
	Verify  Verify
	Stats   func() NodeStats // of this node
	Ready   func() error     // nil while this node takes clients and can record them
	Log     *zap.Logger      // default: none

	Metrics http.Handler // answers GET /metrics; see Metrics. Default: none

	// Page answers GET for the operators' page: for /, /assets/NAME and /operator/NAME.
	// These are files without secrets, for which nobody needs the token. Default: no page.
	Page http.Handler

	// Token is what who asks must have, if it is not empty. Without one the listener must
	// be on loopback.
	Token string
}

// queryTimeout is how long one request may take in the store.
const queryTimeout = 5 * time.Second

// Handler serves the API.
func Handler(cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Bell == nil {
		cfg.Bell = presence.NewBell(cfg.Store.Changes, cfg.Log)
	}
	a := api{cfg: cfg, verifying: new(sync.Mutex), trouble: newTrouble()}
	mux, routes := http.NewServeMux(), a.routes()
	var all []string
	for _, r := range routes {
		mux.Handle(r.path, r)
		all = append(all, r.method+" "+r.path)
	}
	if cfg.Page != nil {
		for _, path := range []string{"/{$}", "/assets/{name}", "/operator/{name}"} {
			mux.Handle(http.MethodGet+" "+path, cfg.Page)
		}
	}
	there := "there is " + strings.Join(all, ", ")
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, protocol.BadRequest, there)
	})
	return newGuard(cfg.Token, cfg.Page != nil).protect(mux)
}

type api struct {
	cfg       Config
	verifying *sync.Mutex // held while the log is verified
	trouble   *trouble
}

// route is one endpoint.
type route struct {
	method, path string
	serve        http.HandlerFunc
}

func (a api) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	routes := []route{
		{get, "/online", a.online},
		{get, "/online/{user}", a.onlineUser},
		{get, "/history/{user}", a.history},
		{get, "/last-seen", a.lastSeen},
		{get, "/timeline", a.timeline},
		{get, "/events", a.events},
		{get, "/nodes", a.nodes},
		{get, "/stats", a.stats},
		{post, "/kick", a.kick},
		{post, "/verify", a.verify},
		{get, "/healthz", bare(a.healthz)},
		{get, "/readyz", bare(a.readyz)},
		{get, "/openapi.yaml", bare(a.openapi)},
		{get, pprofPath, profiles},
	}
	if a.cfg.Metrics != nil {
		routes = append(routes, route{get, "/metrics", bare(a.cfg.Metrics.ServeHTTP)})
	}
	return routes
}

// ServeHTTP serves the endpoint, if it is asked with its method.
func (r route) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.Method != r.method && (q.Method != http.MethodHead || r.method != http.MethodGet) {
		w.Header().Set("Allow", r.method)
		fail(w, http.StatusMethodNotAllowed, protocol.BadRequest, "this is asked with "+r.method)
		return
	}
	r.serve(w, q)
}

// description is the API for programs: an OpenAPI document.
//
//go:embed openapi.yaml
var description []byte

func (a api) openapi(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(description) // the only error is that the reader has gone
}

// onlinePage is the answer of GET /online.
type onlinePage struct {
	Users []onlineUser `json:"users"`
	Next  string       `json:"next,omitempty"` // the after of the next page
	Total int          `json:"total"`          // connections of all users; may be a second old
}

type onlineUser struct {
	User        string    `json:"user"`
	Since       time.Time `json:"since"`
	Connections int       `json:"connections"`
	Nodes       []string  `json:"nodes"`
}

func (a api) online(w http.ResponseWriter, r *http.Request) {
	q, at, err := parseOnline(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, protocol.BadRequest, err.Error())
		return
	}
	if !at.IsZero() {
		a.onlineAt(w, r, at, q)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	page, err := a.cfg.Users.Users(ctx, q)
	if !a.answered(w, r, err) {
		return
	}
	answer := onlinePage{Users: make([]onlineUser, 0, len(page.Users)), Next: page.Next, Total: page.Total}
	for _, u := range page.Users {
		answer.Users = append(answer.Users, onlineUser(u))
	}
	reply(w, answer)
}

func (a api) healthz(w http.ResponseWriter, _ *http.Request) {
	reply(w, map[string]string{"status": "ok"})
}

func (a api) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := a.cfg.Ready(); err != nil {
		fail(w, http.StatusServiceUnavailable, protocol.Internal, err.Error())
		return
	}
	reply(w, map[string]string{"status": "ready"})
}

func fail(w http.ResponseWriter, status int, code protocol.Code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(protocol.AppendError(nil, &protocol.Error{Code: code, Message: message}))
}

func reply(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(answer) // the only error is that the reader has gone
}
