module github.com/presenced/presence/services/protocol/asyncapi

go 1.26.0

replace github.com/presenced/presence => ../../../

require (
	github.com/gobwas/ws v1.5.0
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/presenced/presence v0.0.0-00010101000000-000000000000
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	go.uber.org/goleak v1.3.0
	go.uber.org/zap v1.28.0
	go.yaml.in/yaml/v4 v4.0.0
)

require (
	github.com/MicahParks/jwkset v0.11.4 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	go.uber.org/multierr v1.10.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	golang.org/x/time v0.9.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
