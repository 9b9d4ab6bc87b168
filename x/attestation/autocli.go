package attestation

import autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"

// AutoCLIOptions describes the commands that are generated from the services.
func (AppModule) AutoCLIOptions() *autocliv1.ModuleOptions {
	return &autocliv1.ModuleOptions{
		Query: &autocliv1.ServiceCommandDescriptor{
			Service: "pold.attestation.v1.Query",
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "Params", Use: "params", Short: "Show the parameters", Example: "pold q attestation params"},
				{RpcMethod: "Task", Use: "task ID", Short: "Show one task with its answer and who matched it", Example: "pold q attestation task 3",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "id"}}},
				{RpcMethod: "Tasks", Use: "tasks", Short: "List tasks", Example: "pold q attestation tasks --status task-status-settled"},
				{RpcMethod: "Work", Use: "work", Short: "Show what a sidecar has to do now", Example: "pold q attestation work"},
				{RpcMethod: "Witnesses", Use: "witnesses TASK", Short: "List who has committed to a task", Example: "pold q attestation witnesses 3",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "task_id"}}},
				{RpcMethod: "Artefact", Use: "artefact ID", Short: "Show one availability question and who holds the file", Example: "pold q attestation artefact 2",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "id"}}},
				{RpcMethod: "Live", Use: "live", Short: "Show which validators run a healthy sidecar, and how many have to for rounds to go on", Example: "pold q attestation live"},
				{RpcMethod: "Beacon", Use: "beacon", Short: "Show the beacon: the last seed, who has committed and revealed, what waits for a draw", Example: "pold q attestation beacon"},
				{RpcMethod: "Shared", Use: "shared", Short: "Report which validators gave equal wrong answers or abstained together", Example: "pold q attestation shared"},
				{RpcMethod: "Peers", Use: "peers", Short: "List the announced sidecars", Example: "pold q attestation peers"},
			},
		},
		Tx: &autocliv1.ServiceCommandDescriptor{
			Service: "pold.attestation.v1.Msg",
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "AnnouncePeer", Use: "announce-peer", Short: "Announce where your sidecar can be reached (trainerd does this by itself)",
					Example: "pold tx attestation announce-peer --peer-id 12D3KooW… --addresses /ip4/203.0.113.7/tcp/4001 --expires 100000 --signature HEX --from alice"},
				{RpcMethod: "UpdateParams", Skip: true}, // governance proposes it as a message
			},
		},
	}
}
