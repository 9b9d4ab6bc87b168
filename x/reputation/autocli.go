package reputation

import autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"

// AutoCLIOptions describes the commands that are generated from the services.
func (AppModule) AutoCLIOptions() *autocliv1.ModuleOptions {
	address := []*autocliv1.PositionalArgDescriptor{{ProtoField: "address"}}
	return &autocliv1.ModuleOptions{
		Query: &autocliv1.ServiceCommandDescriptor{
			Service: "pold.reputation.v1.Query",
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "Params", Use: "params", Short: "Show the parameters", Example: "pold q reputation params"},
				{RpcMethod: "Score", Use: "score ADDRESS", Short: "Show the reputation of an account or a validator as it is now",
					Example: "pold q reputation score polvaloper1...", PositionalArgs: address},
				{RpcMethod: "Scores", Use: "scores", Short: "List all reputations without their events", Example: "pold q reputation scores"},
				{RpcMethod: "Explain", Use: "explain ADDRESS", Short: "Say in words what a reputation is, which events made it, and what follows from it",
					Example: "pold q reputation explain polvaloper1...", PositionalArgs: address},
			},
		},
		Tx: &autocliv1.ServiceCommandDescriptor{
			Service: "pold.reputation.v1.Msg",
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "UpdateParams", Skip: true}, // governance proposes it as a message
			},
		},
	}
}
