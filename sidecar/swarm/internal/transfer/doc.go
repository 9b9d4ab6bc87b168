// Package transfer moves objects between nodes that speak the buffer-map
// protocol.
//
// A node that wants an object says so to its neighbours (WANT). Whoever holds
// chunks of it, or gets some later, answers with its buffer map (MAP, a
// bitfield) and from then on tells of every new chunk (HAVE). Chunks are asked
// for by their place in the DAG on a second stream, many at a time, from all
// holders at once, the rarest first; each is checked, stored, and offered to
// others at once, so an object spreads although nobody holds all of it.
//
//	wire.go      messages of both streams
//	service.go   what a node runs, and who its subscribers are
//	link.go      control streams: WANT, MAP, HAVE, DROP
//	upload.go    who is served, how many at a time
//	order.go     which request is answered next
//	trim.go      how many sources are kept
//	trust.go     which sources are asked first
//	pace.go      limits of what is sent, and words to those who wait
//	source.go    one neighbour that a download asks
//	download.go  the life of a download
//	events.go    what sources say and send
//	pick.go      which chunk is asked of whom
//	fallback.go  what only other protocols can get
//
// A chunk that does not match its digest convicts its sender. Everything a peer
// can make this node remember or allocate is bounded; the bounds stand where
// they hold.
package transfer
