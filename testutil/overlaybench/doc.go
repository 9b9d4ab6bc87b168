// Command overlaybench measures how artefacts move between nodes of the overlay (sidecar/swarm), prints a table of ratios and writes it
// as JSON:
//
//	make bench-overlay                             # everything but -large, some minutes
//	make bench-overlay BENCH="-check"              # status 1 when a goal is missed
//	make bench-overlay BENCH="-only loopback,crowd"
//
// # Method
//
// Every number of a row comes from one run on one machine: contenders take turns, a round is one transfer of each, the first round does
// not count, and the median of the others does (testutil/bench). Rates are in MB/s with MB = 10^6 bytes; sizes are powers of two. Before
// a transfer the fetcher drops the artefact and all dirty pages are written to disk, so that nobody pays for the writes of the one
// before. Connections are made before the clock starts. An artefact is a pseudo-random file (artefact.go).
//
// Where the comparison is between two nodes (loopback, latency, large), holder and fetcher are processes of their own, told what to do
// by JSON lines (child.go, serve.go), with stores on disk; their CPU time and memory are read from /proc, so that it takes Linux.
//
// Where it is about many nodes (crowd, scale) they run in this process (group.go), because their upload is limited (Config.UploadLimit)
// and the machine is not the limit: how much of the processors was in use is a row beside. A turn moves an artefact that nobody has seen,
// the time ends when the last node has all of it, and every copy is hashed afterwards. In scale, each node has the neighbours that it has
// in five random rings of all nodes, at most 10; these are members to each other, and whom it meets by the DHT is a guest.
//
// # Peers
//
//   - Kubo, the stock IPFS node, as two daemons in a store each (kubo.go says which settings differ from its defaults and why): from
//     `pin add` to its end, over the daemon's HTTP API, so without the start of a command. Its rows are "not measured" when no binary is
//     there; scripts/bench-overlay.sh builds one from the module source.
//   - A TCP copy with SHA-256 (tcp.go): the holder sends a cached file, the fetcher hashes what arrives and writes nothing. It is the
//     ceiling of anything that verifies what it receives on one processor.
//   - Tuned bitswap (bitswap.go): boxo's bitswap with the settings that suit long lines best, between stores in memory.
//   - Stock bitswap (stock.go): boxo's bitswap with its defaults, among hosts in this process with the same limit of upload and stores in
//     memory. When it hangs, the reason is printed and its rows are "not measured".
//   - Ideal times (ideal.go): no way of exchanging the chunks can be faster with these uploads.
//
// # Rows
//
//	section   row                                   goal
//	loopback  256 MiB, one holder, one fetcher      1.5 times Kubo, 0.30 of the TCP copy with SHA-256
//	          the same against tuned bitswap        -
//	          CPU time of both ends per GB          - (see large)
//	latency   the same at 50 ms round trip          10 times Kubo, 0.85 of tuned bitswap
//	          at 10 and 100 ms                      -
//	crowd     64 MiB from 1 of 8 nodes, 20 MB/s     1.5 times the ideal time at most
//	          none of 8 nodes has more than half    1.25 times
//	          duplicates in both                    4 % at most
//	scale     32 MiB to 64 nodes, 2 MB/s            1.6 times the time of 8 nodes at most
//	          copies sent by the origin             3 at most
//	delta     one step of SGD, of Adam              0.70 of the file at most
//	          unrelated files                       1.0
//	          restoring                             0.3 of the speed of SHA-256
//	large     4 GiB, memory of each end above idle  256 MiB at most (only with -large)
//	          CPU time of both ends per GB          that of Kubo moving 256 MiB at most
//
// A line with a round trip time is a proxy in this program that holds back what passes (proxy.go). It has no limit of bandwidth, and a
// run fails when fewer bytes passed it than the artefact has. Slow peers move fewer bytes; their row says how many.
package main
