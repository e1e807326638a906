// Package asyncapi holds the protocol on the socket to its description for programs,
// docs/asyncapi.yaml: every message and every error that a server can send is really
// sent, and each frame is validated against the description; every command in it is
// given to a running server. It is a module of its own so that the validators are none
// of the product's dependencies.
package asyncapi
