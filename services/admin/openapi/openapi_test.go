package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// contract is the description, and what was seen of it.
type contract struct {
	doc    *openapi3.T
	router routers.Router
	seen   map[string]bool // "GET /online 200"
}

// load reads the description as the API serves it.
func load(t *testing.T, api http.Handler) *contract {
	t.Helper()
	w := httptest.NewRecorder()
	api.ServeHTTP(w, ask{path: "/openapi.yaml"}.request())
	doc, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Fatalf("version %s", doc.OpenAPI)
	}
	if err := doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &contract{doc, router, make(map[string]bool)}
}

// check makes a request, and holds its answer to the description; the request too, if it
// was answered well.
func (c *contract) check(t *testing.T, api http.Handler, a ask, status int) {
	t.Helper()
	w := httptest.NewRecorder()
	api.ServeHTTP(w, a.request())
	if w.Code != status {
		t.Errorf("%s: %d %s, want %d", a, w.Code, w.Body, status)
	}
	route, parameters, err := c.router.FindRoute(a.described())
	if err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	c.seen[fmt.Sprint(route.Method, " ", route.Path, " ", w.Code)] = true
	options := &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	in := &openapi3filter.RequestValidationInput{Request: a.described(), PathParams: parameters, Route: route, Options: options}
	if w.Code == http.StatusOK {
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("%s: the request: %v", a, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: w.Code, Header: w.Header(), Options: options}
	out.SetBodyBytes(w.Body.Bytes())
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("%s: the answer: %v\n%s", a, err, w.Body)
	}
	if w.Header().Get("Content-Type") == "application/x-ndjson" {
		c.lines(t, a.path, w.Body.Bytes())
	}
}

// A stream of lines is a text to the validator; lines looks into it.
func init() { //nolint:gochecknoinits // the validator knows no other place
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.PlainBodyDecoder)
}

// lines holds each line of a stream to its schema.
func (c *contract) lines(t *testing.T, path string, body []byte) {
	t.Helper()
	name := map[string]string{"/verify": "verifyLine", "/events": "eventLine"}[path]
	schema := c.doc.Components.Schemas[name].Value
	for line := range bytes.Lines(body) {
		var value any
		if err := json.Unmarshal(line, &value); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if err := schema.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// missed are the answers that are described and that no request got.
func (c *contract) missed() (missed []string) {
	for path, item := range c.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				if answer := method + " " + path + " " + status; !c.seen[answer] {
					missed = append(missed, answer)
				}
			}
		}
	}
	slices.Sort(missed)
	return missed
}

// Every endpoint answers what the description says, in every way that it lists.
func TestDescription(t *testing.T) {
	w := newWorld(t)
	c := load(t, w.api)
	for _, tt := range w.requests() {
		c.check(t, tt.of, tt.ask, tt.status)
	}
	c.hasAll(t, w.api)
	if missed := c.missed(); len(missed) > 0 {
		t.Errorf("described and never seen: %s", strings.Join(missed, ", "))
	}
}

// hasAll holds that every endpoint that the API says it has is described.
func (c *contract) hasAll(t *testing.T, api http.Handler) {
	t.Helper()
	w := httptest.NewRecorder()
	api.ServeHTTP(w, ask{path: "/"}.request())
	endpoints := regexp.MustCompile("(GET|POST) (/[^, \"]*)").FindAllStringSubmatch(w.Body.String(), -1)
	if len(endpoints) < 14 {
		t.Errorf("the API says that there is %s", w.Body)
	}
	for _, e := range endpoints {
		path := strings.Replace(e[2], "/debug/pprof/", "/debug/pprof/{profile}", 1)
		if item := c.doc.Paths.Value(path); item == nil || item.GetOperation(e[1]) == nil {
			t.Errorf("%s is not described", e[0])
		}
	}
}

// A validator that accepts anything would prove nothing.
func TestContract_FindsWhatIsWrong(t *testing.T) {
	c := load(t, newWorld(t).api)
	for name, tt := range map[string]struct{ schema, value string }{
		"another field":       {"error", `{"type":"error","code":"busy","message":"x","retryable":true,"more":1}`},
		"another code":        {"error", `{"type":"error","code":"odd","message":"x","retryable":true}`},
		"another type":        {"error", `{"type":"welcome","code":"busy","message":"x","retryable":true}`},
		"no id":               {"connectionId", `"n1/1/1"`},
		"a field too few":     {"kicked", `{"asked":1,"gone":1}`},
		"negative":            {"kicked", `{"asked":-1,"gone":0,"pending":[]}`},
		"user and connection": {"kick", `{"user":"ana","connection":"n1/00000001/0000000000000001"}`},
		"nobody":              {"kick", `{"reason":"all"}`},
		"two things at once":  {"verifyLine", `{"runningSeconds":1,"report":{"holds":true,"streams":0,"events":0,"open":0,"problems":0}}`},
	} {
		var value any
		if err := json.Unmarshal([]byte(tt.value), &value); err != nil {
			t.Fatal(err)
		}
		if err := c.doc.Components.Schemas[tt.schema].Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err == nil {
			t.Errorf("%s: %s is a %s", name, tt.value, tt.schema)
		}
	}
}
