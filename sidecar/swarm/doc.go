// Package swarm moves artefacts (training sets, deltas, checkpoints) between
// sidecars by content identifier (CID) and keeps them on disk.
//
// An object is a byte string. Its CID is the root of a UnixFS DAG built with
// constants of the network (internal/dag), so equal bytes have one CID on every
// machine and the CID is the Merkle root of the content. A Node has
//
//   - an ed25519 identity (identity.go), whose peer id is announced on chain;
//   - a libp2p host over TCP and QUIC (host.go, address.go, dial.go), within
//     limits for members and guests (limits.go, members.go, gater.go), on a
//     network of its own if it has a key (privatenet.go), behind a relay if it
//     must be (relay.go);
//   - neighbours (peering.go), found on chain, in a static list, in the book of
//     the last run (book.go), by gossip (gossip.go, topics.go, records.go) and
//     on the local network (mdns.go), and rated by scores.go; peers.go and
//     diagnose.go say how it stands with them;
//   - a store of objects as files (internal/objectstore), bounded by a quota
//     (storage.go) and mended from neighbours (heal.go);
//   - the exchange of buffer maps and chunks (internal/transfer), with bitswap
//     for nodes that have none (exchange.go, guard.go) and deltas for those
//     that hold an earlier object (form.go);
//   - a Kademlia DHT that knows who holds which root (routing.go, provide.go)
//     and who has something for a word (index.go, search.go).
//
// Read fetch.go for the life of a download: take what is here, ask neighbours
// for their maps, look for more holders, fetch the rarest chunk first from all
// at once, check, store, offer to others, start again elsewhere when nothing
// arrives. objects.go adds, reads and removes; car.go reads and writes CAR
// files; migrate.go takes over homes of the old form.
//
// Add never announces: a client must not show a CID before it reveals.
// Provide does, and only for roots.
//
// This is the only package that may import libp2p or boxo, with those below it.
package swarm
