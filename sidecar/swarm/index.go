package swarm

import (
	"context"
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

// A node that holds objects with a tag has a DHT record for the tag, as it has
// records for roots. Whoever searches looks up the record, asks the nodes that
// it names (search.go), and counts how many say the same: the CID is all that
// can be verified, a description is what its publisher says.

// Card describes an object to those who look for it.
type Card struct {
	// Kind is what the object is: one of Kinds.
	Kind string
	// Name is for people, at most 80 bytes.
	Name string
	// Tags are the words under which the object is found, at most 16.
	Tags []string
}

// Kinds are the kinds of artefacts.
var Kinds = []string{"table", "delta", "checkpoint", "transcript", "embedding", "model-card", "other"}

const (
	maxTags     = 16
	maxCardName = 80
	tagDomain   = "pold/tag/1"
)

var tagPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)

// NormalTag returns a tag in its one spelling.
func NormalTag(s string) (string, error) {
	t := strings.ToLower(strings.TrimSpace(s))
	if !tagPattern.MatchString(t) {
		return "", fmt.Errorf("tag %.60q: expected 1 to 40 letters, digits, '.', '_' or '-'", s)
	}
	return t, nil
}

// normal returns the card with tags in one spelling and order.
func (c Card) normal() (Card, error) {
	if !slices.Contains(Kinds, c.Kind) {
		return c, fmt.Errorf("kind: expected one of %s, got %.40q", strings.Join(Kinds, ", "), c.Kind)
	}
	if c.Name = strings.Join(strings.Fields(c.Name), " "); len(c.Name) > maxCardName {
		return c, fmt.Errorf("name: expected at most %d bytes, got %d", maxCardName, len(c.Name))
	}
	var tags []string
	for _, t := range c.Tags {
		t, err := NormalTag(t)
		if err != nil {
			return c, err
		}
		tags = append(tags, t)
	}
	slices.Sort(tags)
	if c.Tags = slices.Compact(tags); len(c.Tags) == 0 || len(c.Tags) > maxTags {
		return c, fmt.Errorf("tags: expected 1 to %d, got %d", maxTags, len(c.Tags))
	}
	// The kind is a word too, where there is room for it.
	if len(c.Tags) < maxTags && c.Kind != "other" && !slices.Contains(c.Tags, c.Kind) {
		c.Tags = append(c.Tags, c.Kind)
		slices.Sort(c.Tags)
	}
	return c, nil
}

// Describe says by what a kept object is found, and announces it, as Provide
// does the object itself. A second card replaces the first. The kind is a word
// as well.
func (n *Node) Describe(ctx context.Context, id string, card Card) error {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	root, err := dag.ParseCID(id)
	if err == nil {
		card, err = card.normal()
	}
	if err != nil {
		return fmt.Errorf("describe: %w", err)
	}
	stored := &objectstore.Card{Kind: card.Kind, Name: card.Name, Tags: card.Tags}
	if err := n.store.Change(root, func(k *objectstore.Kept) { k.Card = stored }); err != nil {
		return fmt.Errorf("describe %s: %w", id, err)
	}
	for _, t := range card.Tags {
		n.providing.add(n.tagRecord(t))
	}
	return ctx.Err()
}

// tagRecord is the key of the DHT record of a tag.
func (n *Node) tagRecord(tag string) cid.Cid {
	return dag.LeafCID(sha256.Sum256([]byte(tagDomain + "\x00" + n.cfg.Network + "\x00" + tag)))
}

// tagRecords lists those of all kept objects.
func (n *Node) tagRecords() map[cid.Cid]bool {
	out := make(map[cid.Cid]bool)
	for _, k := range n.store.List() {
		if k.Card != nil {
			for _, t := range k.Card.Tags {
				out[n.tagRecord(t)] = true
			}
		}
	}
	return out
}

// forgetTags ends the renewal of records of tags that no object has any more.
func (n *Node) forgetTags(card *objectstore.Card) {
	if card == nil {
		return
	}
	left := n.tagRecords()
	for _, t := range card.Tags {
		if c := n.tagRecord(t); !left[c] {
			n.providing.forget(c)
		}
	}
}

// described returns the kept objects that have all of the tags, at most limit.
func (n *Node) described(tags []string, limit int) []Found {
	var out []Found
	for _, k := range n.store.List() {
		if k.Card == nil || slices.ContainsFunc(tags, func(t string) bool { return !slices.Contains(k.Card.Tags, t) }) {
			continue
		}
		out = append(out, Found{CID: k.Root.String(), Size: k.Size, Card: Card{k.Card.Kind, k.Card.Name, k.Card.Tags}})
		if len(out) == limit {
			break
		}
	}
	return out
}
