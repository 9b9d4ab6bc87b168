package types

import "sort"

const beaconSeedDomain = "pold/attestation/beacon-seed/v1"

// FirstBeacon is the state before the first draw.
func FirstBeacon() Beacon { return Beacon{Number: 1, Phase: BEACON_PHASE_COMMIT} }

// OperatorSecret is a revealed secret and whose it is.
type OperatorSecret struct {
	Operator string
	Secret   []byte
}

// BeaconSeed returns the 32-byte seed of a number of the beacon: a hash over all recorded secrets in operator order. Whoever
// withholds a secret chooses between two seeds, once; f who collude between 2^f.
func BeaconSeed(chainID string, beacon uint64, secrets []OperatorSecret) []byte {
	sort.Slice(secrets, func(i, j int) bool { return secrets[i].Operator < secrets[j].Operator })
	fields := [][]byte{[]byte(beaconSeedDomain), []byte(chainID), number(beacon)}
	for _, s := range secrets {
		fields = append(fields, []byte(s.Operator), s.Secret)
	}
	return HashFields(fields...)
}

// validateDraws checks the beacon of a genesis state and what waits for it.
func (g GenesisState) validateDraws() error {
	if g.Beacon.Number == 0 && g.Beacon.Phase == BEACON_PHASE_UNSPECIFIED && len(g.BeaconShares)+len(g.Draws) == 0 {
		return nil // a hand-written genesis that leaves it out starts with the first
	}
	if g.Beacon.Number == 0 || g.Beacon.Phase != BEACON_PHASE_COMMIT && g.Beacon.Phase != BEACON_PHASE_REVEAL {
		return ErrInvalidParams.Wrapf("beacon: expected a number from 1 and a phase, got %d and %s", g.Beacon.Number, g.Beacon.Phase)
	}
	seen := map[string]bool{}
	for _, s := range g.BeaconShares {
		if seen[s.Operator] || len(s.Share.Commit) != SecretSize || len(s.Share.Secret) != 0 && len(s.Share.Secret) != SecretSize {
			return ErrInvalidParams.Wrapf("beacon share of %q: expected one with a commit of 32 bytes and a secret of 0 or 32", s.Operator)
		}
		seen[s.Operator] = true
	}
	draws := map[uint64]bool{}
	for _, d := range g.Draws {
		if draws[d.Id] || d.Id == 0 || d.Id >= g.NextDrawId {
			return ErrInvalidParams.Wrapf("draw %d: expected a unique id from 1 to %d", d.Id, g.NextDrawId-1)
		}
		draws[d.Id] = true
		if d.Beacon != 0 && (d.Beacon != g.Beacon.Number || g.Beacon.Phase != BEACON_PHASE_REVEAL) {
			return ErrInvalidParams.Wrapf("draw %d: waits for beacon %d, which is not being revealed", d.Id, d.Beacon)
		}
	}
	return nil
}
