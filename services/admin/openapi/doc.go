// Package openapi holds the operator's API to its description, services/admin/openapi.yaml:
// real answers of every endpoint, of every status, are validated against it. It is a
// module of its own so that the validator is none of the product's dependencies.
package openapi
