package main

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// talk returns what says one line to the person who started the server. That nobody
// listens is no reason to stop.
func talk(w io.Writer) func(format string, args ...any) {
	return func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
}

// greet says where the server listens, and what to type next.
func (s *server) greet(say func(format string, args ...any)) {
	client, admin := s.clientURL(), s.adminAt.Addr().String()
	say("clients  %s", client)
	say("page     %s", "http"+strings.TrimPrefix(client, "ws"))
	say("admin    http://%s", admin)
	say("node     %s", s.member.Stream())
	say("")
	who := "--user ana"
	if s.cfg.auth.kind == authJWT {
		who = "--token TOKEN"
	}
	say("Connect  go run ./clientctl connect %s%s", who, unless(client, "ws://localhost:8080", " --ws "))
	say("         then type a number, such as 42; Ctrl-C ends it")
	say("Look     go run ./clientctl online%s", unless("http://"+admin, "http://127.0.0.1:8081", " --admin "))
	say("Stop     Ctrl-C")
}

// unless returns flag and value, or nothing if the value is the default.
func unless(value, byDefault, flag string) string {
	if value == byDefault {
		return ""
	}
	return flag + value
}

// clientURL is the address for clients to type.
func (s *server) clientURL() string {
	scheme := "ws://"
	if s.proof != nil {
		scheme = "wss://"
	}
	return scheme + s.clientAddr()
}

// clientAddr is where clients reach the server: the host as it was set, and the port
// as it was taken.
func (s *server) clientAddr() string {
	return net.JoinHostPort(s.cfg.wsHost, strconv.Itoa(int(s.gateway.Addrs()[0].Port())))
}
