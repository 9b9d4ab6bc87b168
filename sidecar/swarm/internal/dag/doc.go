// Package dag knows the shape of an object: the UnixFS DAG whose root is its
// CID. The shape is part of the protocol: another chunk size, fan-out or hash
// would give the same bytes another CID. It equals
// `ipfs add --cid-version 1 --raw-leaves --chunker size-1048576` with 1,024
// links a node.
//
// Inner nodes follow from the size and the digests of the leaves, so a node
// stores only those, and whoever sends them is checked by building the root.
package dag
