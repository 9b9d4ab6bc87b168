package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// request and answer are the lines between this program and its children.
type request struct {
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args,omitempty"`
}

type answer struct {
	Error  string          `json:"error,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

// operation carries out one kind of request.
type operation func(context.Context, json.RawMessage) (any, error)

// role is what a child process does: its operations, and what to do at the end.
type role struct {
	operations map[string]operation
	close      func() error
}

// roles are the subcommands of this program that its children run as.
var roles = map[string]func() role{
	"node":    newNodeRole,
	"bitswap": newBitswapRole,
	"tcp":     newTCPRole,
}

// operate makes an operation of a function with typed arguments and result.
func operate[A, R any](f func(context.Context, A) (R, error)) operation {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		var args A
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &args); err != nil {
				return nil, err
			}
		}
		return f(ctx, args)
	}
}

// none stands for arguments or results that an operation does not have.
type none struct{}

// serve answers requests one after the other until the input ends.
func serve(ctx context.Context, in io.Reader, out io.Writer, r role) (err error) {
	defer func() { err = errors.Join(err, r.close()) }()
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var q request
		switch err := requests.Decode(&q); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read a request: %w", err)
		}
		if err := answers.Encode(r.answer(ctx, q)); err != nil {
			return fmt.Errorf("write an answer: %w", err)
		}
	}
}

func (r role) answer(ctx context.Context, q request) answer {
	op, ok := r.operations[q.Op]
	if !ok {
		return answer{Error: fmt.Sprintf("unknown operation %q", q.Op)}
	}
	result, err := op(ctx, q.Args)
	if err != nil {
		return answer{Error: err.Error()}
	}
	raw, err := json.Marshal(result)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Result: raw}
}
