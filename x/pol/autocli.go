package pol

import autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"

func positional(fields ...string) []*autocliv1.PositionalArgDescriptor {
	args := make([]*autocliv1.PositionalArgDescriptor, len(fields))
	for i, f := range fields {
		args[i] = &autocliv1.PositionalArgDescriptor{ProtoField: f}
	}
	return args
}

// AutoCLIOptions describes the commands that are generated from the services.
func (AppModule) AutoCLIOptions() *autocliv1.ModuleOptions {
	return &autocliv1.ModuleOptions{
		Query: &autocliv1.ServiceCommandDescriptor{
			Service: "pold.pol.v1.Query",
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "Params", Use: "params", Short: "Show the parameters", Example: "pold q pol params"},
				{RpcMethod: "Group", Use: "group NAME", Short: "Show a group, its best checkpoint and its stake", Example: "pold q pol group digits", PositionalArgs: positional("name")},
				{RpcMethod: "Groups", Use: "groups", Short: "List groups", Example: "pold q pol groups"},
				{RpcMethod: "Round", Use: "round GROUP NUMBER", Short: "Show one round; number 0 is the current one", Example: "pold q pol round digits 3", PositionalArgs: positional("group", "number")},
				{RpcMethod: "Rounds", Use: "rounds GROUP", Short: "List the rounds of a group", Example: "pold q pol rounds digits --page-reverse --page-limit 5", PositionalArgs: positional("group")},
				{RpcMethod: "Commitments", Use: "commitments GROUP NUMBER", Short: "List who committed in a round", Example: "pold q pol commitments digits 3", PositionalArgs: positional("group", "number")},
				{RpcMethod: "Submissions", Use: "submissions GROUP NUMBER", Short: "List the revealed checkpoints of a round with their verdicts", Example: "pold q pol submissions digits 3", PositionalArgs: positional("group", "number")},
				{RpcMethod: "Bonds", Use: "bonds GROUP", Short: "List the stake behind a group", Example: "pold q pol bonds digits", PositionalArgs: positional("group")},
				{RpcMethod: "Unbondings", Use: "unbondings ADDRESS", Short: "List stake on its way back to an account", Example: "pold q pol unbondings pol1…", PositionalArgs: positional("address")},
				{RpcMethod: "Batches", Use: "batches GROUP", Short: "List the sealed batches that wait for their rounds, and the bonds of their providers", Example: "pold q pol batches digits", PositionalArgs: positional("group")},
				{RpcMethod: "Canaries", Use: "canaries GROUP NUMBER", Short: "List the canaries of a round and whom they exposed", Example: "pold q pol canaries digits 3", PositionalArgs: positional("group", "number")},
				{RpcMethod: "Changes", Use: "changes GROUP", Short: "List the proposed changes of a group's times and model", Example: "pold q pol changes digits", PositionalArgs: positional("group")},
				{RpcMethod: "Totals", Use: "totals", Short: "Show what was minted and burned, and the next halving", Example: "pold q pol totals"},
			},
		},
		Tx: &autocliv1.ServiceCommandDescriptor{
			Service: "pold.pol.v1.Msg",
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "CreateGroup", Use: "create-group NAME", Short: "Open a training group",
					Example: "pold tx pol create-group flowers --settings settings.json --from alice", PositionalArgs: positional("name")},
				{RpcMethod: "FundGroup", Use: "fund-group GROUP AMOUNT", Short: "Add unrn to the bounty pool of a group",
					Example: "pold tx pol fund-group digits 5000000 --from alice", PositionalArgs: positional("group", "amount")},
				{RpcMethod: "CommitCheckpoint", Use: "commit-checkpoint GROUP ROUND COMMITMENT", Short: "Bind yourself to a checkpoint (32 bytes, hex or base64) in the commit phase",
					Example: "pold tx pol commit-checkpoint digits 3 9f86d081884c7d65… --from carol", PositionalArgs: positional("group", "round", "commitment")},
				{RpcMethod: "SubmitCheckpoint", Use: "submit-checkpoint GROUP ROUND", Short: "Reveal the checkpoint that you committed to in the reveal phase",
					Example:        "pold tx pol submit-checkpoint digits 3 --checkpoint-cid bafk… --checkpoint-hash HEX --size 10240 --claimed-loss-e9 195000000 --salt HEX --from carol",
					PositionalArgs: positional("group", "round")},
				{RpcMethod: "BondGroup", Use: "bond-group GROUP AMOUNT", Short: "Stake unrn on a group",
					Example: "pold tx pol bond-group digits 1000000 --from alice", PositionalArgs: positional("group", "amount")},
				{RpcMethod: "UnbondGroup", Use: "unbond-group GROUP AMOUNT", Short: "Take stake off a group; it is paid out after the unbonding delay",
					Example: "pold tx pol unbond-group digits 1000000 --from alice", PositionalArgs: positional("group", "amount")},
				{RpcMethod: "ProvideBatches", Use: "provide-batches GROUP BOND", Short: "Add sealed evaluation batches and a provider bond (trainerd provide does both, and reveals the keys)",
					Example: "pold tx pol provide-batches digits 50000000 --batches batch.json --from alice", PositionalArgs: positional("group", "bond")},
				{RpcMethod: "RevealBatchKey", Use: "reveal-batch-key GROUP ROUND KEY", Short: "Show the key of a sealed batch after the reveal phase",
					Example: "pold tx pol reveal-batch-key digits 3 KEY --from alice", PositionalArgs: positional("group", "round", "key")},
				{RpcMethod: "WithdrawProviderBond", Use: "withdraw-provider-bond GROUP", Short: "Take back the bond of a provider that has no batch left",
					Example: "pold tx pol withdraw-provider-bond digits --from alice", PositionalArgs: positional("group")},
				{RpcMethod: "PlantCanary", Use: "plant-canary GROUP ROUND COMMITMENT", Short: "Hide a checkpoint of known verdict among those of the current round",
					Example: "pold tx pol plant-canary digits 3 HEX --from alice", PositionalArgs: positional("group", "round", "commitment")},
				{RpcMethod: "OpenCanary", Use: "open-canary GROUP ROUND TRAINER", Short: "Say after settlement which checkpoint a canary was and what its verdict had to be",
					Example: "pold tx pol open-canary digits 3 pol1… --finding 0 --claim-loss-e9 195000000 --salt HEX --from alice", PositionalArgs: positional("group", "round", "trainer")},
				{RpcMethod: "ProposeGroupChange", Use: "propose-group-change GROUP", Short: "Open a vote on other times or another model for a group (pold group propose-times and propose-model do it too)",
					Example: "pold tx pol propose-group-change digits --times '{\"period_seconds\":86400}' --summary 'decide daily' --from alice", PositionalArgs: positional("group")},
				{RpcMethod: "ForkGroup", Use: "fork-group SOURCE NAME TRAINING-SET", Short: "Go on from the checkpoint and the training set of a group in one of your own",
					Example: "pold tx pol fork-group digits my-digits my-digits --from alice", PositionalArgs: positional("source", "name", "training_set")},
				{RpcMethod: "SetGroupCoinbase", Skip: true}, // governance proposes it as a message
				{RpcMethod: "UpdateParams", Skip: true},
			},
		},
	}
}
