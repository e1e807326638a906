// Package services holds no code: it is the folder of the server's parts, and of
// the test that keeps them apart. Imports go one way only,
//
//	presenced → site, admin, session, gateway, mongostore, boltstore
//	          → presence, auth, timepush, fibonacci
//	          → protocol, events
//
// and gateway imports none of its siblings. The tables in rules_test.go say for
// each package what it may import; a package that is in none of them fails the test.
package services
