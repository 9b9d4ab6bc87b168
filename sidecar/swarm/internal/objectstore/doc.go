// Package objectstore keeps objects on disk, one file each, and verifies every
// byte that is read.
//
//	objects/ab/<cid>         the bytes of an object that is complete
//	objects/ab/<cid>.part    the bytes of one that is not, holes where chunks are missing
//	objects/ab/<cid>.have    numbers of the chunks in a .part file, four bytes each, appended after the chunk
//	objects/ab/<cid>.leaves  digests of the leaves, for objects of more than one
//	objects.log              what is kept and why, one JSON line a change, rewritten when it has grown (log.go)
//
// A process may be killed at any point: a chunk counts when its number is in
// the .have file, an object counts as kept when its line is in the log, and a
// chunk that a power failure has lost all the same does not match its digest.
// So nothing unverified is ever used or served: every read compares the bytes
// with the digest, and a chunk that fails is missing from then on and reported.
//
// store.go holds the set of objects, object.go one of them, file.go the files,
// space.go what the disk has room for, blockstore.go the view that bitswap has.
package objectstore
