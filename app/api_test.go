package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/server/api"
	serverconfig "github.com/cosmos/cosmos-sdk/server/config"

	"github.com/pold-network/pold/app"
)

// serve returns the answer of a node's API server to a GET of a URL.
func serve(t *testing.T, rpcListen, url string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	settings := viper.New()
	settings.Set("rpc.laddr", rpcListen)
	a := app.New(log.NewNopLogger(), dbm.NewMemDB(), true, settings, baseapp.SetChainID("pold-test-7"))
	server := api.New(client.Context{}.WithInterfaceRegistry(a.InterfaceRegistry).WithCodec(a.Codec), log.NewNopLogger(), grpc.NewServer())
	a.RegisterAPIRoutes(server, serverconfig.DefaultConfig().API)

	request := httptest.NewRequest(http.MethodGet, url, nil)
	for name, values := range header {
		request.Header[name] = values
	}
	recorder := httptest.NewRecorder()
	server.Router.ServeHTTP(recorder, request)
	return recorder
}

func TestOpenAPIDescribesOurModulesOnly(t *testing.T) {
	answer := serve(t, "", "http://node/openapi/pold.json", nil)
	require.Equal(t, http.StatusOK, answer.Code)
	require.Equal(t, "application/json", answer.Header().Get("Content-Type"))
	var document struct {
		Swagger string
		Paths   map[string]any
	}
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &document))
	require.Equal(t, "2.0", document.Swagger)
	require.NotEmpty(t, document.Paths)
	for path := range document.Paths {
		require.Regexp(t, "^/pold/", path)
	}
}

func TestKeplrChainNamesTheAddressesThatTheWalletReached(t *testing.T) {
	cases := []struct {
		name, listen, url string
		header            http.Header
		rpc, rest         string
	}{
		{name: "a node on this machine", listen: "tcp://127.0.0.1:26657", url: "http://localhost:1317/keplr.json",
			rpc: "http://localhost:26657", rest: "http://localhost:1317"},
		{name: "a node that listens everywhere, with its ports moved", listen: "tcp://0.0.0.0:27657", url: "http://10.0.0.5:2317/keplr.json",
			rpc: "http://10.0.0.5:27657", rest: "http://10.0.0.5:2317"},
		{name: "a node behind a proxy with TLS", listen: "tcp://127.0.0.1:26657", url: "http://node.example/keplr.json",
			header: http.Header{"X-Forwarded-Proto": {"https"}}, rpc: "https://node.example:26657", rest: "https://node.example"},
		{name: "an IPv6 host", listen: "tcp://[::]:26657", url: "http://[::1]:1317/keplr.json",
			rpc: "http://[::1]:26657", rest: "http://[::1]:1317"},
		{name: "an IPv6 host on the port of its scheme", listen: "tcp://[::]:26657", url: "http://[::1]/keplr.json",
			rpc: "http://[::1]:26657", rest: "http://[::1]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			answer := serve(t, c.listen, c.url, c.header)
			require.Equal(t, http.StatusOK, answer.Code)
			var chain map[string]any
			require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &chain))
			require.Equal(t, "pold-test-7", chain["chainId"])
			require.Equal(t, c.rpc, chain["rpc"])
			require.Equal(t, c.rest, chain["rest"])
			require.Equal(t, map[string]any{"coinType": float64(118)}, chain["bip44"])
			require.Equal(t, "polvaloper", chain["bech32Config"].(map[string]any)["bech32PrefixValAddr"])
			require.Equal(t, map[string]any{"coinDenom": "NRN", "coinMinimalDenom": "unrn", "coinDecimals": float64(6)}, chain["stakeCurrency"])
		})
	}
}
