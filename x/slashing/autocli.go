package slashing

import autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"

// AutoCLIOptions describes the commands that are generated from the services.
func (AppModule) AutoCLIOptions() *autocliv1.ModuleOptions {
	return &autocliv1.ModuleOptions{
		Query: &autocliv1.ServiceCommandDescriptor{
			Service: "pold.slashing.v1.Query",
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "Params", Use: "params", Short: "Show the parameters", Example: "pold q polslashing params"},
				{RpcMethod: "Evidence", Use: "evidence ID", Short: "Show one piece of evidence, what it cost, how to check it and how to appeal",
					Example:        "pold q polslashing evidence 3",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "id"}}},
				{RpcMethod: "AllEvidence", Use: "all-evidence", Short: "List evidence, without the pinned inputs", Example: "pold q polslashing all-evidence --address polvaloper1…"},
				{RpcMethod: "Penalties", Use: "penalties", Short: "List penalties", Example: "pold q polslashing penalties --status penalty-status-queued"},
				{RpcMethod: "Record", Use: "record OPERATOR", Short: "Show what counts against a validator now", Example: "pold q polslashing record polvaloper1…",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "operator"}}},
			},
		},
		Tx: &autocliv1.ServiceCommandDescriptor{
			Service: "pold.slashing.v1.Msg",
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "CancelPenalty", Skip: true}, // governance proposes both as messages
				{RpcMethod: "UpdateParams", Skip: true},
			},
		},
	}
}
