// Package envflag lets every command-line flag be set by an environment variable:
// the flag --ws-host and the variable WS_HOST are the same setting. The command
// line wins over the variable, the variable over the default.
//
// A flag that is marked as a secret can also be read from a file: for
// --db-password, DB_PASSWORD_FILE names a file that holds the value. A secret's
// value never stands in an error or in a help text.
//
// The package does not read the environment: the caller hands in a look-up such as
// os.LookupEnv. Apart from reading a secret's file it is pure. A flag set belongs
// to one goroutine, as in pflag.
package envflag
