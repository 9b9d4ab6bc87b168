package keeper

import (
	"fmt"
	"sort"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/attestation/types"
)

// registry holds the kinds that modules have registered at wiring; it never changes afterwards.
type registry struct {
	kinds  map[string]types.Kind
	owners map[string]types.Owner
	names  []string // ascending, because block work follows this order
	hooks  types.Hooks
}

func newRegistry() *registry {
	return &registry{kinds: map[string]types.Kind{}, owners: map[string]types.Owner{}, hooks: types.MultiHooks{}}
}

// quota is how many tasks, and how many artefacts, of one kind may be open at once: an equal part for each kind.
func (r *registry) quota() int { return max(1, types.MaxWork/max(1, len(r.names))) }

// windows returns the lengths of the commit and of the open window of a kind, in heights.
func (r *registry) windows(params types.Params, kind string) (commit, open int64) {
	if w := r.kinds[kind].Window; w != 0 {
		return w, w
	}
	return params.CommitWindow, params.OpenWindow
}

// RegisterKind names the owner of a kind. It panics on a programming error: a kind twice, an answer too large, or windows too short.
func (k Keeper) RegisterKind(kind types.Kind, owner types.Owner) {
	if _, dup := k.kinds.kinds[kind.Name]; dup {
		panic(fmt.Sprintf("task kind %q registered twice", kind.Name))
	}
	if kind.Name == "" || kind.MaxAnswer < 1 || kind.MaxAnswer > types.MaxAnswerSize {
		panic(fmt.Sprintf("task kind %q: expected a name and an answer of 1 to %d bytes", kind.Name, types.MaxAnswerSize))
	}
	if kind.Window != 0 && kind.Window < types.MinWindow {
		panic(fmt.Sprintf("task kind %q: expected windows of at least %d heights, or 0, got %d", kind.Name, types.MinWindow, kind.Window))
	}
	k.kinds.kinds[kind.Name] = kind
	k.kinds.owners[kind.Name] = owner
	k.kinds.names = append(k.kinds.names, kind.Name)
	sort.Strings(k.kinds.names)
}

// SetHooks says who is told of what validators do; call it before the first block.
func (k Keeper) SetHooks(h types.Hooks) { k.kinds.hooks = h }

// tell calls an owner in a cached context: an error or a panic drops its writes and becomes an event, never a halt.
func (k Keeper) tell(ctx sdk.Context, kind string, id uint64, call func(ctx sdk.Context, owner types.Owner) error) {
	if owner, ok := k.kinds.owners[kind]; ok {
		k.try(ctx, kind, id, func(ctx sdk.Context) error { return call(ctx, owner) })
	}
}

// hook tells the listeners in the same way.
func (k Keeper) hook(ctx sdk.Context, what string, id uint64, call func(ctx sdk.Context, h types.Hooks) error) {
	k.try(ctx, what, id, func(ctx sdk.Context) error { return call(ctx, k.kinds.hooks) })
}
