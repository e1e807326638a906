package mongostore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// sightings is what was last seen of each server: for the error that says why none of
// them could be used.
type sightings struct {
	mu   sync.Mutex        // guards what follows
	kind map[string]string // by address: RSSecondary, Standalone, Unknown …
	err  map[string]error  // by address: why it does not answer
}

// monitor writes down what the driver sees.
func (s *sightings) monitor() *event.ServerMonitor {
	return &event.ServerMonitor{
		TopologyDescriptionChanged: func(e *event.TopologyDescriptionChangedEvent) {
			kinds := make(map[string]string, len(e.NewDescription.Servers))
			for _, server := range e.NewDescription.Servers {
				kinds[string(server.Addr)] = server.Kind
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.kind = kinds
		},
		ServerHeartbeatFailed: func(e *event.ServerHeartbeatFailedEvent) {
			if errors.Is(e.Failure, context.Canceled) {
				return // we have given up: it says nothing of the server
			}
			addr, _, _ := strings.Cut(e.ConnectionID, "[-") // "db1:27017[-3]"
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.err == nil {
				s.err = make(map[string]error)
			}
			s.err[addr] = e.Failure
		},
	}
}

// String is one clause for each server.
func (s *sightings) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var clauses []string
	for addr, kind := range s.kind {
		clauses = append(clauses, addr+" "+sighting(kind, s.err[addr]))
	}
	if len(clauses) == 0 {
		return "no server was found"
	}
	slices.Sort(clauses)
	return strings.Join(clauses, "; ")
}

// sighting is what one server said, or why it said nothing.
func sighting(kind string, err error) string {
	switch {
	case kind != unknownServer:
		return "is a " + kind
	case err == nil:
		return "does not answer"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "closes the connection (does it want TLS? then the URI needs tls=true)"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "does not answer"
	}
	return "cannot be reached: " + innermost(err).Error()
}

// unknownServer is the driver's kind of a server that has not answered.
const unknownServer = "Unknown"

// innermost is the cause at the end of a chain, without the layers that passed it on.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// explain is err as an answer to the person who set the settings: what was tried, what
// came of it, and which setting to look at.
func (c Config) explain(err error, seen *sightings) error {
	missing, isMissing := errors.AsType[*missingIndexError](err)
	switch {
	case isMissing:
		return fmt.Errorf("MongoDB at %s has not the index %s of %s.%s, or does not let this user see it, and does not let him make it: "+
			"give him the role that services/mongostore/init/presence-roles.js makes, or have somebody make the index; the user is that of %s: %w",
			c.address(), keysOf(missing.index), c.database(), missing.index.collection, c.userSettings(), c.cleanError(err))
	case authFailed(err):
		return fmt.Errorf("MongoDB at %s did not accept the user: look at %s: %w",
			c.address(), c.userSettings(), c.cleanError(err))
	case hasCode(err, codeUnauthorized):
		return fmt.Errorf("MongoDB at %s does not let this user read and write the database %s (role readWrite, or the one that services/mongostore/init/presence-roles.js makes): look at %s: %w",
			c.address(), c.database(), c.userSettings(), c.cleanError(err))
	}
	return fmt.Errorf("MongoDB at %s cannot be used: %s. Look at %s: is this the address, as seen from here, and is the server running? (%w)",
		c.address(), c.clean(seen.String()), c.addressSetting(), class(err))
}

// keysOf is an index as one writes it in mongosh.
func keysOf(ix index) string {
	text, err := bson.MarshalExtJSON(ix.keys, false, false)
	if err != nil {
		return fmt.Sprint(ix.keys)
	}
	return string(text)
}

// cleanError is the innermost cause, if no secret is in it.
func (c Config) cleanError(err error) error {
	return fmt.Errorf("%w: %s", class(err), c.clean(innermost(err).Error()))
}

const (
	codeUnauthorized = 13
	codeAuthFailed   = 18
	codeAtlas        = 8000
)

// authFailed reports whether the server did not accept the user. Atlas has a code of
// its own for it.
func authFailed(err error) bool {
	if hasCode(err, codeAtlas) && strings.Contains(strings.ToLower(err.Error()), "auth") {
		return true
	}
	return hasCode(err, codeAuthFailed) || strings.Contains(err.Error(), "auth error")
}

func hasCode(err error, code int) bool { return slices.Contains(mongo.ErrorCodes(err), code) }
