package voting

import autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"

// AutoCLIOptions describes the commands that are generated from the services.
func (AppModule) AutoCLIOptions() *autocliv1.ModuleOptions {
	arg := func(fields ...string) []*autocliv1.PositionalArgDescriptor {
		var args []*autocliv1.PositionalArgDescriptor
		for _, f := range fields {
			args = append(args, &autocliv1.PositionalArgDescriptor{ProtoField: f})
		}
		return args
	}
	return &autocliv1.ModuleOptions{
		Query: &autocliv1.ServiceCommandDescriptor{
			Service: "pold.voting.v1.Query",
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "Params", Use: "params", Short: "Show the parameters", Example: "pold q voting params"},
				{RpcMethod: "Period", Use: "period GROUP", Short: "Show the current voting period of a group", Example: "pold q voting period digits", PositionalArgs: arg("group")},
				{RpcMethod: "Ballot", Use: "ballot ID", Short: "Show one ballot", Example: "pold q voting ballot 1", PositionalArgs: arg("id")},
				{RpcMethod: "Ballots", Use: "ballots GROUP", Short: "List the open ballots of a group", Example: "pold q voting ballots digits", PositionalArgs: arg("group")},
				{RpcMethod: "Votes", Use: "votes BALLOT", Short: "List who supports a ballot", Example: "pold q voting votes 1", PositionalArgs: arg("ballot")},
				{RpcMethod: "Voter", Use: "voter GROUP ADDRESS", Short: "Show what an account can vote with and what it supports", Example: "pold q voting voter digits pol1...", PositionalArgs: arg("group", "address")},
			},
		},
		Tx: &autocliv1.ServiceCommandDescriptor{
			Service: "pold.voting.v1.Msg",
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "Vote", Use: "vote BALLOT", Short: "Support a ballot with all your stake in its group", Example: "pold tx voting vote 1 --from alice", PositionalArgs: arg("ballot")},
				{RpcMethod: "Unvote", Use: "unvote BALLOT", Short: "Take your support back", Example: "pold tx voting unvote 1 --from alice", PositionalArgs: arg("ballot")},
				{RpcMethod: "UpdateParams", Skip: true}, // governance proposes it as a message
			},
		},
	}
}
