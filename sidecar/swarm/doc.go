// Package swarm moves artefacts (data sets, checkpoints) between sidecars by
// content identifier (CID) and keeps them on disk.
//
// An object is a byte string. Its CID is the root of a UnixFS DAG built with
// constants of the network (see dag.go), so equal bytes have one CID on every
// machine and the CID is the Merkle root of the content. A Node owns
//
//   - an ed25519 identity (identity.go), whose peer id is announced on chain;
//   - a libp2p host: TCP, TLS before Noise, yamux, explicit resource limits
//     (host.go), and connections to the announced peers (peering.go);
//   - a block store on disk that verifies every read (store.go) and the set of
//     pinned objects (pins.go);
//   - bitswap to exchange blocks (exchange.go) and a Kademlia DHT that knows
//     who holds which root (routing.go).
//
// Read fetch.go for the life of a download: plan the DAG from the expected
// size, refuse a root that does not fit, load blocks from disk or peers, start
// again when nothing arrives, verify, pin. A damaged block is deleted when it
// is read and fetched again from a neighbour (heal.go); a peer that sends
// blocks nobody asked for, which is what a wrong block looks like, is cut off
// (guard.go). FetchCID (fetchcid.go) is for an object of which only the CID is
// known: its size comes from its root block.
//
// Add never announces: a client must not show a CID before it reveals.
// Provide does, and only for roots.
//
// This is the only package that may import libp2p or boxo.
package swarm
