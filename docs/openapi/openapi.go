// Package openapi carries the OpenAPI 2 description of the REST queries of our
// modules, so that a node can serve it. scripts/openapi.sh writes the file from
// the protos; scripts/proto-check.sh fails when it is out of date.
package openapi

import _ "embed"

// JSON is pold.swagger.json.
//
//go:embed pold.swagger.json
var JSON []byte
