// Package chain is the sidecar's client of a pold node: it asks questions and sends signed transactions over gRPC.
//
//   - Dial makes a Client; it connects when it is first used and reconnects by itself.
//   - The methods in query.go each ask one question and return plain generated types.
//   - Account signs with a key of an SDK keyring. Account.Send simulates, signs, broadcasts and waits until a block holds the transaction.
//
// Errors wrap one of the values in errors.go, so that a program can choose an exit code, and say in words what happened, why, and what
// to do next.
package chain
