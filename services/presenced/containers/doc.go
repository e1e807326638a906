// Package containers holds the tests of the Dockerfile, the compose file and the
// .dockerignore: they are read with the parsers that docker itself uses, without an
// engine. It is a module of its own so that those parsers are none of the product's
// dependencies.
package containers
