// Package server is what runs beside a validator's node: it follows the chain, fetches what the chain asks about, computes answers
// ahead of time, and hands them to the node over gRPC from memory.
//
//   - Worker (worker.go) is one loop: read the open work, plan what is needed (schedule.go, plan.go), fetch (fetch.go), compute (compute.go).
//   - bundle.go says which files a question or a replay needs: a transcript names further ones. So does a table with columns of content
//     identifiers (values.go).
//   - results.go keeps the tables that deltas lead to, ready for the moment in which the chain adopts one.
//   - secrets.go has the validator's contributions to the beacon.
//   - answers.go keeps answers in memory and in a journal, so that a restart gives the same ones at once.
//   - Service (service.go) is the gRPC interface that the node calls while it signs a block; it never waits for anything.
//   - Peering (peering.go) follows the announced peers and announces this one.
//   - retention.go forgets checkpoints that lost, after some rounds; tables.go proposed tables that were not adopted, and what
//     stakeholders have taken down.
//
// A sidecar that is not sure says nothing: missing bytes, a failed self-test or an unknown engine version mean that the node abstains.
package server
