package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/presenced/presence/events"
)

const (
	// MaxToken is the most bytes of a token. A request's header is not larger either.
	MaxToken = 8 << 10

	// leeway is by how much the clock of who makes tokens may be ahead of ours. It is
	// not added to the end of a token.
	leeway = 30 * time.Second
)

// maxTime is the highest exp that is taken for a time: the end of the year 9999.
var maxTime = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)

// TokenConfig is what Tokens accept.
type TokenConfig struct {
	Keys     Keys
	Audience string // aud must name it; "": whatever it names
	Issuer   string // iss must be it; "": whatever it is
}

// Tokens authenticates clients by JSON Web Tokens.
type Tokens struct {
	// static after construction
	keys   Keys
	parser *jwt.Parser
}

var _ Authenticator = (*Tokens)(nil)

// NewTokens returns an Authenticator that accepts what c says.
func NewTokens(c TokenConfig) *Tokens {
	options := []jwt.ParserOption{
		jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
	}
	if c.Audience != "" {
		options = append(options, jwt.WithAudience(c.Audience))
	}
	if c.Issuer != "" {
		options = append(options, jwt.WithIssuer(c.Issuer))
	}
	return &Tokens{keys: c.Keys, parser: jwt.NewParser(options...)}
}

// Identify implements Authenticator.
func (t *Tokens) Identify(c Credentials) (Identity, error) {
	query, err := parseTarget(c.Target)
	if err != nil {
		return Identity{}, err
	}
	if err := noTokenIn(query); err != nil {
		return Identity{}, err
	}
	said, err := userOf(query)
	if err != nil {
		return Identity{}, err
	}
	token, err := c.token()
	if err != nil {
		return Identity{}, err
	}
	id, err := t.check(token)
	if err == nil && said != "" && said != id.User {
		return Identity{}, fmt.Errorf("%w than ?user= says: leave that out", ErrOtherUser)
	}
	return id, err
}

// Renew implements Authenticator.
func (t *Tokens) Renew(user string, token []byte) (Identity, error) {
	id, err := t.check(token)
	if err == nil && id.User != user {
		return Identity{}, fmt.Errorf("%w than this connection", ErrOtherUser)
	}
	return id, err
}

// claims are what a token says, as far as it matters here.
type claims struct {
	jwt.RegisteredClaims

	// Presence is what the token allows besides. {"who":"all"} lets its owner ask about
	// all users, and not only about those that it can name. Whatever else stands there
	// allows nothing.
	Presence json.RawMessage `json:"presence"`
}

// seesAll reports whether the claim presence is {"who":"all"}.
func (c *claims) seesAll() bool {
	var presence struct {
		Who string `json:"who"`
	}
	return json.Unmarshal(c.Presence, &presence) == nil && presence.Who == "all"
}

// check judges a token: its signature, by a key that is ours, and then what it claims.
// Its error wraps ErrToken or ErrKeyNotYet.
func (t *Tokens) check(token []byte) (Identity, error) {
	if len(token) > MaxToken {
		return Identity{}, fmt.Errorf("%w: it is longer than %d bytes", ErrToken, MaxToken)
	}
	var c claims
	if _, err := t.parser.ParseWithClaims(string(token), &c, t.key); err != nil {
		return Identity{}, explain(err)
	}
	switch expires := c.ExpiresAt.Time; {
	case !expires.After(time.Now()):
		return Identity{}, errExpired
	case !expires.Before(maxTime):
		return Identity{}, fmt.Errorf("%w: its exp is no time", ErrToken)
	}
	if c.Subject == "" {
		return Identity{}, fmt.Errorf("%w: it has no sub, which says whose it is", ErrToken)
	}
	if err := events.ValidateUser(c.Subject); err != nil {
		return Identity{}, fmt.Errorf("%w: its sub is no user: %w", ErrToken, err)
	}
	return Identity{User: c.Subject, Expires: c.ExpiresAt.Time, SeesAll: c.seesAll()}, nil
}

// key finds the key of a token, and holds that the token's algorithm is one that the
// key is for: who could choose it freely would sign with a public key as a secret.
func (t *Tokens) key(token *jwt.Token) (any, error) {
	if _, ok := token.Header["crit"]; ok {
		return nil, errCritical
	}
	id, _ := token.Header["kid"].(string)
	k, err := t.keys.find(id)
	if err != nil {
		return nil, err
	}
	if !k.allows(token.Method.Alg()) {
		return nil, errAlgorithm
	}
	return k.material, nil
}

// Why a token is not accepted, as far as it can be said without repeating it.
var (
	errAlgorithm = fmt.Errorf("%w: its algorithm (alg) is not one that its key is for", ErrToken)
	errCritical  = fmt.Errorf("%w: it has critical extensions (crit), of which none is known", ErrToken)
	errExpired   = fmt.Errorf("%w: it has expired", ErrToken)
	errKey       = fmt.Errorf("%w: its key (kid) is not known", ErrToken)
	errMalformed = fmt.Errorf("%w: it is no JSON Web Token with claims of the right types", ErrToken)
	errNoKeyID   = fmt.Errorf("%w: it does not say which key it is signed with (kid)", ErrToken)
)

// explanations are what the parser's errors mean: the first that fits.
var explanations = []struct{ cause, said error }{
	// those of Tokens.key
	{errAlgorithm, errAlgorithm},
	{errCritical, errCritical},
	{errKey, errKey},
	{errNoKeyID, errNoKeyID},
	{ErrKeyNotYet, ErrKeyNotYet},
	// the parser's
	{jwt.ErrTokenMalformed, errMalformed},
	{jwt.ErrTokenUnverifiable, errAlgorithm},
	{jwt.ErrTokenSignatureInvalid, fmt.Errorf("%w: its signature is wrong", ErrToken)},
	{jwt.ErrTokenExpired, errExpired},
	{jwt.ErrTokenRequiredClaimMissing, fmt.Errorf("%w: it lacks a claim, exp, aud or iss", ErrToken)},
	{jwt.ErrTokenNotValidYet, fmt.Errorf("%w: it is not valid yet (nbf)", ErrToken)},
	{jwt.ErrTokenUsedBeforeIssued, fmt.Errorf("%w: it is of the future (iat)", ErrToken)},
	{jwt.ErrTokenInvalidAudience, fmt.Errorf("%w: it is for others (aud)", ErrToken)},
	{jwt.ErrTokenInvalidIssuer, fmt.Errorf("%w: it is by somebody else (iss)", ErrToken)},
}

// explain returns what a client is told. The parser's own words may repeat parts of the
// token.
func explain(err error) error {
	for _, e := range explanations {
		if errors.Is(err, e.cause) {
			return e.said
		}
	}
	return errMalformed
}
