// Package provider hands in sealed batches of evaluation rows and reveals their keys when their rounds ask for them.
//
// A folder holds one entry for each batch: its key and the encrypted file. The entry is on disk before anything is sent, and it is
// never replaced, because a key that is lost costs the bond. The folder and the chain together say what is left to do, so a provider
// can be stopped at any time and started again.
//
// Start with Provider.HandIn and Provider.Reveal; prepare.go seals tables, folder.go keeps the entries.
package provider
