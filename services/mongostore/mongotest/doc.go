// Package mongotest gives tests a MongoDB: the one at MONGODB_URI, or else FerretDB
// v1, built from the module beside this package and started once for each test process,
// and the shell mongosh. It is imported by tests only.
//
// Whoever cannot have one skips, loudly, on his own machine; where CI is set, the test
// fails. All functions are safe for concurrent use.
package mongotest
