package keeper

import (
	"context"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/attestation/types"
)

// AnnouncePeer replaces the overlay identity of the sender.
func (k Keeper) AnnouncePeer(goCtx context.Context, m *types.MsgAnnouncePeer) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	if m.Expires <= ctx.BlockHeight() || m.Expires > ctx.BlockHeight()+params.MaxPeerLifetime {
		return types.ErrInvalidPeer.Wrapf("expires: expected a height from %d to %d, got %d",
			ctx.BlockHeight()+1, ctx.BlockHeight()+params.MaxPeerLifetime, m.Expires)
	}
	if err := types.ValidateAnnouncement(ctx.ChainID(), m); err != nil {
		return err
	}
	old, exists, err := find(ctx, k.Peers, m.Sender)
	if err != nil {
		return err
	}
	if exists {
		if err := k.PeersExpiry.Remove(ctx, collections.Join(old.Expires, m.Sender)); err != nil {
			return err
		}
	}
	p := types.Peer{Address: m.Sender, PeerId: m.PeerId, Addresses: m.Addresses, Expires: m.Expires}
	if err := k.setPeer(ctx, p); err != nil {
		return err
	}
	emit(ctx, &types.EventPeerAnnounced{Address: p.Address, PeerId: p.PeerId, Expires: p.Expires})
	return nil
}

func (k Keeper) setPeer(ctx context.Context, p types.Peer) error {
	if err := k.PeersExpiry.Set(ctx, collections.Join(p.Expires, p.Address)); err != nil {
		return err
	}
	return k.Peers.Set(ctx, p.Address, p)
}

func (k Keeper) prunePeers(ctx sdk.Context) error {
	keys, err := dueBefore(ctx, k.PeersExpiry, ctx.BlockHeight())
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := k.PeersExpiry.Remove(ctx, key); err != nil {
			return err
		}
		if err := k.Peers.Remove(ctx, key.K2()); err != nil {
			return err
		}
	}
	return nil
}
