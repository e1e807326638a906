package mongostore

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// uri is a connection string taken apart as far as can be said of any text, valid or
// not, without ever taking a secret for something else.
type uri struct {
	scheme   string // "mongodb://" or "mongodb+srv://", or empty
	hasUser  bool
	userinfo string // secret
	hosts    string // fit to be shown
	database string
	query    string // may hold secrets
}

func parseURI(text string) uri {
	var u uri
	rest := text
	for _, scheme := range []string{"mongodb://", "mongodb+srv://"} {
		if after, ok := strings.CutPrefix(text, scheme); ok {
			u.scheme, rest = scheme, after
		}
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		u.hasUser, u.userinfo, rest = true, rest[:at], rest[at+1:]
		if strings.ContainsAny(u.userinfo, "@/?") {
			u.hosts = stray
			return u
		}
	}
	rest, query, _ := strings.Cut(rest, "?")
	list, path, _ := strings.Cut(rest, "/")
	if !portsAreNumbers(list) {
		u.hosts = hidden
		return u
	}
	u.hosts, u.query = list, query
	if name, err := url.PathUnescape(path); err == nil {
		u.database = name
	}
	return u
}

// portsAreNumbers reports whether a list of hosts may be shown. In
// "mongodb://user:secret", where the @ and the host were forgotten, a password stands
// where a port should, and perhaps goes on after it.
func portsAreNumbers(list string) bool {
	for host := range strings.SplitSeq(list, ",") {
		if strings.HasPrefix(host, "[") {
			_, host, _ = strings.Cut(host, "]")
		}
		_, port, _ := strings.Cut(host, ":")
		if strings.Trim(port, "0123456789") != "" {
			return false
		}
	}
	return true
}

// What stands for a secret.
const (
	hidden = "xxxxx"

	// stray stands for all of a connection string in which it cannot be told which @
	// ends the password.
	stray = "xxxxx@xxxxx"
)

var errScheme = errors.New(`a connection string begins with "mongodb://" or "mongodb+srv://"`)

// validate finds what is surely wrong without asking the driver.
func (u uri) validate() error {
	switch {
	case u.scheme == "":
		return errScheme
	case u.hosts == "":
		return errors.New("it names no host")
	case u.hosts == hidden:
		return errors.New("a port is not a number; user and password end with @, as in mongodb://user:password@host:27017")
	case u.hosts == stray:
		return errors.New("it has an @ where none can be; " + escapes)
	}
	return nil
}

// explain says why the driver does not take the connection string. The driver's own
// words may quote a password, so they are asked for about a copy without secrets. If
// the driver takes the copy, then it is the secrets that are at fault.
func (u uri) explain() error {
	copied := u.withoutSecrets()
	if err := options.Client().ApplyURI(copied).Validate(); err != nil {
		return fmt.Errorf("not a valid connection string: %w", err)
	}
	return errors.New("not a valid connection string: the driver does not accept the user, the password " +
		"or an option that may be secret; " + escapes)
}

const escapes = "in user, password and options, the characters : / ? # [ ] @ % , & = " +
	"must be written as %3A %2F %3F %23 %5B %5D %40 %25 %2C %26 %3D"

func (u uri) withoutSecrets() string {
	var b strings.Builder
	b.WriteString(u.scheme)
	if u.hasUser {
		b.WriteString("user:" + hidden + "@")
	}
	b.WriteString(u.hosts)
	b.WriteString("/" + url.PathEscape(u.database))
	if u.query != "" {
		b.WriteString("?" + hideQuery(u.query))
	}
	return b.String()
}

// secrets are the texts that must not be shown, as they are written and as they are
// meant.
func (u uri) secrets() []string {
	_, password, _ := strings.Cut(u.userinfo, ":")
	list := []string{u.userinfo, password}
	for pair := range strings.SplitSeq(u.query, "&") {
		if key, value, _ := strings.Cut(pair, "="); !openOptions[strings.ToLower(key)] {
			list = append(list, value)
		}
	}
	for _, written := range list {
		if meant, err := url.PathUnescape(written); err == nil {
			list = append(list, meant)
		}
	}
	return list
}

// openOptions are the options whose values may be shown. All others may hold a secret:
// tlsCertificateKeyFilePassword, proxyPassword, the token in authMechanismProperties.
var openOptions = map[string]bool{
	"replicaset": true, "authsource": true, "authmechanism": true, "tls": true, "ssl": true,
	"directconnection": true, "loadbalanced": true, "connect": true, "appname": true,
	"retrywrites": true, "retryreads": true, "w": true, "journal": true, "wtimeoutms": true,
	"readpreference": true, "readconcernlevel": true, "maxpoolsize": true, "minpoolsize": true,
	"connecttimeoutms": true, "serverselectiontimeoutms": true, "timeoutms": true,
	"heartbeatfrequencyms": true, "compressors": true, "tlsinsecure": true,
	"tlscafile": true, "tlscertificatekeyfile": true, "tlsallowinvalidcertificates": true, "tlsallowinvalidhostnames": true,
}

func hideQuery(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		key, _, _ := strings.Cut(pair, "=")
		if !openOptions[strings.ToLower(key)] {
			pairs[i] = "appName=" + hidden
		}
	}
	return strings.Join(pairs, "&")
}
