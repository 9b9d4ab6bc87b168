// Package torch compares the engine with PyTorch on the same weights: outputs and gradients of every layer kind, every loss, every
// optimiser and schedule, and checkpoints that PyTorch wrote. It holds tests only; they are skipped, and say so, on machines without
// python3-torch. network.py builds any model spec as a PyTorch module.
package torch
