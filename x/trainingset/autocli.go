package trainingset

import autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"

// AutoCLIOptions describes the commands that are generated from the services.
func (AppModule) AutoCLIOptions() *autocliv1.ModuleOptions {
	return &autocliv1.ModuleOptions{
		Query: &autocliv1.ServiceCommandDescriptor{
			Service: "pold.trainingset.v1.Query",
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "Params", Use: "params", Short: "Show the parameters", Example: "pold q trainingset params"},
				{RpcMethod: "TrainingSet", Use: "training-set NAME", Short: "Show one training set", Example: "pold q trainingset training-set digits",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "name"}}},
				{RpcMethod: "Revisions", Use: "revisions NAME", Short: "List the versions of a training set", Example: "pold q trainingset revisions digits",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "training_set"}}},
				{RpcMethod: "Proposal", Use: "proposal ID", Short: "Show one proposed change", Example: "pold q trainingset proposal 1",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "id"}}},
				{RpcMethod: "Proposals", Use: "proposals NAME", Short: "List the proposed changes of a training set", Example: "pold q trainingset proposals digits",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "training_set"}}},
				{RpcMethod: "Deposit", Use: "deposit NAME", Short: "Show what a proposal would deposit now", Example: "pold q trainingset deposit digits",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "training_set"}}},
				{RpcMethod: "TrainingSets", Use: "training-sets", Short: "List training sets", Example: "pold q trainingset training-sets"},
			},
		},
		Tx: &autocliv1.ServiceCommandDescriptor{
			Service: "pold.trainingset.v1.Msg",
			RpcCommandOptions: []*autocliv1.RpcCommandOptions{
				{RpcMethod: "RegisterTrainingSet", Use: "register NAME", Short: "Register a table by content; validators then fetch and check it",
					Long:           "Register a table by content. `trainerd add FILE` prints the values of --table; keep a sidecar online that serves the file until the set is verified.",
					Example:        `pold tx trainingset register flowers --table "$(trainerd add flowers.csv --json)" --from alice`,
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "name"}}},
				{RpcMethod: "ProposeDelta", Use: "propose-delta NAME", Short: "Propose a change of a training set (pold data propose does it, and provides the body)",
					Example:        `pold tx trainingset propose-delta digits --delta delta.json --summary "correct 12 labels" --max-deposit 10000000 --from alice`,
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "training_set"}}},
				{RpcMethod: "WithdrawProposal", Use: "withdraw-proposal ID", Short: "Take an open proposal of yours back", Example: "pold tx trainingset withdraw-proposal 1 --from alice",
					PositionalArgs: []*autocliv1.PositionalArgDescriptor{{ProtoField: "proposal"}}},
				{RpcMethod: "UpdateParams", Skip: true}, // governance proposes it as a message
			},
		},
	}
}
