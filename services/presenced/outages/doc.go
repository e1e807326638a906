// Package outages holds the tests of what presenced does while its database is away:
// a proxy between the two refuses, resets, swallows or delays. It is a module of its
// own so that the proxy is none of the product's dependencies.
package outages
