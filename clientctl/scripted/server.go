package scripted

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// patience bounds how long a step waits for the client.
const patience = 2 * time.Minute

// Server plays a script. Make it with Start.
type Server struct {
	// static after construction
	http  *http.Server
	serve sync.WaitGroup // the accepting goroutine
	plays sync.WaitGroup // the connections

	mu      sync.Mutex
	waiting [][]step // the scripts of connections that have not come
	errs    []error
}

// Start plays script to the clients that l accepts, until Stop.
func Start(l net.Listener, script string) (*Server, error) {
	connections, err := parse(script)
	if err != nil {
		return nil, err
	}
	s := &Server{waiting: connections}
	s.http = &http.Server{Handler: http.HandlerFunc(s.handle)}
	s.serve.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed(err)
		}
	})
	return s, nil
}

// Stop waits for the connections to end, and returns what went otherwise than the
// script says, also the connections that never came.
func (s *Server) Stop() error {
	s.plays.Wait()
	s.http.Close()
	s.serve.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.waiting); n > 0 {
		s.errs = append(s.errs, fmt.Errorf("the script has %d more connections", n))
	}
	return errors.Join(s.errs...)
}

func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	s.plays.Add(1)
	defer s.plays.Done()
	steps, ok := s.next()
	if !ok {
		s.failed(errors.New("a connection that the script does not know"))
		http.Error(w, "not in the script", http.StatusInternalServerError)
		return
	}
	p := player{steps: steps}
	if err := p.play(w, r); err != nil {
		s.failed(err)
	}
}

func (s *Server) next() ([]step, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return nil, false
	}
	steps := s.waiting[0]
	s.waiting = s.waiting[1:]
	return steps, true
}

func (s *Server) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs = append(s.errs, err)
}
