package mongostore

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

const (
	defaultDatabase   = "presence"
	defaultAuthSource = "admin"
	defaultPort       = "27017"
	appName           = "presence"

	// maxDatabase is the server's limit on the name of a database, in bytes.
	maxDatabase = 63
)

// The settings of Config as people set them. Every error that is about one of them
// begins with its name.
const (
	setURI        = "MONGODB_URI (--mongodb-uri)"
	setHost       = "DB_HOST (--db-host)"
	setUser       = "DB_USER (--db-user)"
	setPassword   = "DB_PASSWORD (--db-password)"
	setAuthSource = "DB_AUTH_SOURCE (--db-auth-source)"
	setDatabase   = "DB_DATABASE (--db-database)"
)

// Config says which database. Either URI or Host must be set, and not both. It prints
// as what may be logged: no password, and no user.
type Config struct {
	URI  string // MONGODB_URI: a connection string, mongodb:// or mongodb+srv://
	Host string // DB_HOST: host, host:port, or several with commas between; the port is 27017 unless given

	User       string // DB_USER; with URI only if that names no user
	Password   string // DB_PASSWORD; goes with User
	AuthSource string // DB_AUTH_SOURCE: the database that knows User; default "admin"

	Database string // DB_DATABASE; default: the one in URI, if any, else "presence"
}

// String is the store in a few words, without secrets: "MongoDB at db1:27017,
// database presence".
func (c Config) String() string {
	return fmt.Sprintf("MongoDB at %s, database %s", c.address(), c.database())
}

// GoString is String, so that no verb of fmt prints a password.
func (c Config) GoString() string { return c.String() }

// MarshalText is String, so that no encoder prints a password.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Validate returns an error that names every setting that is wrong. It looks nothing
// up and connects to nothing.
func (c Config) Validate() error {
	return errors.Join(c.validateAddress(), c.validateUser(), c.validateDatabase())
}

func (c Config) validateAddress() error {
	switch {
	case c.URI == "" && c.Host == "":
		return fmt.Errorf("no address of MongoDB: set %s or %s", setURI, setHost)
	case c.URI != "" && c.Host != "":
		return fmt.Errorf("both %s and %s are set: leave one of them out", setURI, setHost)
	case c.URI != "":
		if err := parseURI(c.URI).validate(); err != nil {
			return fmt.Errorf("%s: %w", setURI, err)
		}
		return nil
	}
	_, err := hosts(c.Host)
	return err
}

func (c Config) validateUser() error {
	switch {
	case c.User == "" && c.Password != "":
		return fmt.Errorf("%s is set, and %s is not", setPassword, setUser)
	case c.User == "" && c.AuthSource != "":
		return fmt.Errorf("%s is set, and %s is not", setAuthSource, setUser)
	case c.User != "" && c.Password == "":
		return fmt.Errorf("%s is set, and %s is not", setUser, setPassword)
	case c.User != "" && c.URI != "" && parseURI(c.URI).hasUser:
		return fmt.Errorf("both %s and %s name a user: leave one of them out", setURI, setUser)
	}
	return nil
}

func (c Config) validateDatabase() error {
	name := c.database()
	if why := badDatabase(name); why != "" {
		return fmt.Errorf("%s: %q: %s", c.databaseSetting(), name, why)
	}
	return nil
}

// badDatabase says why name cannot be a database of its own, if it cannot.
func badDatabase(name string) string {
	switch {
	case len(name) > maxDatabase:
		return fmt.Sprintf("longer than %d bytes", maxDatabase)
	case strings.ContainsAny(name, "/\\. \"$*<>:|?\x00"):
		return `a database name has none of / \ . " $ * < > : | ? and no space`
	case name == "admin", name == "local", name == "config":
		return "this database belongs to the server"
	}
	return ""
}

// database is the name of the database.
func (c Config) database() string {
	if c.Database != "" {
		return c.Database
	}
	if c.URI != "" {
		if name := parseURI(c.URI).database; name != "" {
			return name
		}
	}
	return defaultDatabase
}

// databaseSetting is the setting that database comes from.
func (c Config) databaseSetting() string {
	if c.Database == "" && c.URI != "" && parseURI(c.URI).database != "" {
		return setURI
	}
	return setDatabase
}

// address is where the servers are, for people.
func (c Config) address() string {
	if c.URI != "" {
		return parseURI(c.URI).hosts
	}
	list, err := hosts(c.Host)
	if err != nil {
		return "no valid address"
	}
	return strings.Join(list, ",")
}

// addressSetting is the setting that address comes from.
func (c Config) addressSetting() string {
	if c.URI != "" {
		return setURI
	}
	return setHost
}

// userSettings are the settings to look at when the server does not accept the user.
func (c Config) userSettings() string {
	if c.User == "" && c.URI != "" {
		return "the user, the password and authSource in " + setURI
	}
	return fmt.Sprintf("%s, %s and %s, which is %q", setUser, setPassword, setAuthSource, c.authSource())
}

func (c Config) authSource() string {
	if c.AuthSource != "" {
		return c.AuthSource
	}
	return defaultAuthSource
}

// hosts splits DB_HOST, adds the ports that are missing, and the brackets of IPv6
// addresses.
func hosts(list string) ([]string, error) {
	if strings.Contains(list, "://") || strings.Contains(list, "@") {
		return nil, fmt.Errorf("%s: want host:port; a connection string goes into %s", setHost, setURI)
	}
	var clean []string
	for host := range strings.SplitSeq(list, ",") {
		h, err := hostPort(strings.TrimSpace(host))
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", setHost, host, err)
		}
		clean = append(clean, h)
	}
	return clean, nil
}

var errHost = errors.New("want host:port, or several with commas between them; an IPv6 address with a port is [::1]:27017")

// hostPort is one host of DB_HOST as the driver wants it.
func hostPort(host string) (string, error) {
	if ip := net.ParseIP(strings.Trim(host, "[]")); ip != nil {
		return net.JoinHostPort(strings.Trim(host, "[]"), defaultPort), nil
	}
	if !strings.Contains(host, ":") {
		host += ":" + defaultPort
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil || name == "" || strings.ContainsAny(name, "/?# \t") {
		return "", errHost
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", errors.New("the port is a number from 1 to 65535")
	}
	return net.JoinHostPort(name, port), nil
}

// The bounds of the two clients.
const (
	controlPool    = 4
	controlTimeout = 2 * time.Second
	dataPool       = 16
	dataTimeout    = 10 * time.Second

	// selectTimeout bounds the search for a primary.
	selectTimeout = 5 * time.Second

	// connectTimeout bounds the making of one connection. A client that is closed waits
	// for those that are being made, so Open cannot end sooner.
	connectTimeout = 3 * time.Second
)

// clientOptions are the options of a client with a pool of this size. User and
// password are handed over as they are, never pasted into a URI, so there is nothing
// to escape. For mongodb+srv it asks the DNS.
func (c Config) clientOptions(pool uint64) (*options.ClientOptions, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	o := options.Client()
	if c.URI != "" {
		o.ApplyURI(c.URI)
	} else {
		list, err := hosts(c.Host)
		if err != nil {
			return nil, err
		}
		o.SetHosts(list)
	}
	if c.User != "" {
		o.SetAuth(options.Credential{
			Username: c.User, Password: c.Password, PasswordSet: true, AuthSource: c.authSource(),
		})
	}
	force(o, pool)
	switch err := o.Validate(); {
	case err == nil:
		return o, nil
	case c.URI != "":
		return nil, fmt.Errorf("%s: %w", setURI, parseURI(c.URI).explain())
	default:
		return nil, fmt.Errorf("%s: %w", setHost, err)
	}
}

// force sets what is not the URI's to say.
func force(o *options.ClientOptions, pool uint64) {
	journal := true
	o.SetAppName(appName).
		SetWriteConcern(&writeconcern.WriteConcern{W: "majority", Journal: &journal}).
		SetReadConcern(readconcern.Majority()).
		SetReadPreference(readpref.Primary()).
		SetRetryWrites(false).
		SetMinPoolSize(0).
		SetMaxPoolSize(pool).
		SetServerSelectionTimeout(selectTimeout).
		SetConnectTimeout(connectTimeout)
}
