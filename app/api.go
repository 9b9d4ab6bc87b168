package app

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/grpc/cmtservice"
	nodeservice "github.com/cosmos/cosmos-sdk/client/grpc/node"
	"github.com/cosmos/cosmos-sdk/server"
	"github.com/cosmos/cosmos-sdk/server/api"
	serverconfig "github.com/cosmos/cosmos-sdk/server/config"
	authtx "github.com/cosmos/cosmos-sdk/x/auth/tx"

	"github.com/pold-network/pold/docs/openapi"
)

const (
	// OpenAPIPath is where a node serves the description of the REST queries of our modules.
	OpenAPIPath = "/openapi/pold.json"
	// KeplrPath is where a node serves what a wallet needs to add this chain.
	KeplrPath = "/keplr.json"
)

// RegisterAPIRoutes adds the REST routes of the application to a node's API
// server. They must be added here: the server ends with a catch-all route.
func (app *App) RegisterAPIRoutes(server *api.Server, config serverconfig.APIConfig) {
	app.registerPages(server)

	clientCtx := server.ClientCtx
	authtx.RegisterGRPCGatewayRoutes(clientCtx, server.GRPCGatewayRouter)
	cmtservice.RegisterGRPCGatewayRoutes(clientCtx, server.GRPCGatewayRouter)
	nodeservice.RegisterGRPCGatewayRoutes(clientCtx, server.GRPCGatewayRouter)
	app.BasicManager.RegisterGRPCGatewayRoutes(clientCtx, server.GRPCGatewayRouter)

	registerSwagger(server, config.Swagger)
}

// registerSwagger adds the SDK's page of its own modules at /swagger/ when the operator asked for it.
func registerSwagger(apiServer *api.Server, enabled bool) {
	if err := server.RegisterSwaggerAPI(apiServer.ClientCtx, apiServer.Router, enabled); err != nil {
		panic(err)
	}
}

func (app *App) registerPages(server *api.Server) {
	server.Router.HandleFunc(OpenAPIPath, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, openapi.JSON)
	}).Methods(http.MethodGet, http.MethodHead)

	server.Router.HandleFunc(KeplrPath, func(w http.ResponseWriter, r *http.Request) {
		info, err := json.MarshalIndent(newKeplrChain(app.ChainID(), app.rpcAddress, r), "", "  ")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writeJSON(w, info)
	}).Methods(http.MethodGet, http.MethodHead)
}

func writeJSON(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// A failed write means the reader left; there is nobody to tell.
	_, _ = w.Write(body)
}

// RegisterTxService adds the queries that simulate, send and find transactions.
func (app *App) RegisterTxService(clientCtx client.Context) {
	authtx.RegisterTxService(app.GRPCQueryRouter(), clientCtx, app.Simulate, app.InterfaceRegistry)
}

// RegisterTendermintService adds the queries about blocks and validators.
func (app *App) RegisterTendermintService(clientCtx client.Context) {
	cmtservice.RegisterTendermintService(clientCtx, app.GRPCQueryRouter(), app.InterfaceRegistry,
		server.NewCometABCIWrapper(app).Query)
}

// RegisterNodeService adds the queries about this node's configuration and state.
func (app *App) RegisterNodeService(clientCtx client.Context, config serverconfig.Config) {
	nodeservice.RegisterNodeService(clientCtx, app.GRPCQueryRouter(), config, func() int64 {
		return app.CommitMultiStore().EarliestVersion()
	})
}

// publicURL returns the address of a service on the host that the request was
// sent to. A node knows only the address it listens on, often 0.0.0.0.
func publicURL(r *http.Request, listen string) string {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]") // an IPv6 address without a port
	}
	_, port, err := net.SplitHostPort(trimScheme(listen))
	if err != nil {
		port = "26657"
	}
	return requestScheme(r) + "://" + net.JoinHostPort(host, port)
}

func requestScheme(r *http.Request) string {
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https"
	}
	return "http"
}
