#!/usr/bin/env python3
"""Read, write and hash checkpoints for pold with nothing but the standard library.

A checkpoint is a safetensors file of float32 tensors in canonical form: names sorted
by their UTF-8 bytes, data in that order without gaps, a header of minimal JSON padded
with spaces to a multiple of 8 bytes, no metadata, every NaN stored as 0x7fc00000.
The same tensors therefore always give the same bytes, and with them the same hash.

    import pold
    tensors = {"0.weight": pold.Tensor.of([10, 64], weights), "0.bias": pold.Tensor.of([10], bias)}
    pold.write("model.safetensors", tensors)
    pold.checkpoint_hash("model.safetensors").hex()

On the command line:

    python3 pold.py inspect FILE
    python3 pold.py canonicalize IN OUT
    python3 pold.py hash FILE

Every error is a PoldError whose text says what is wrong, why and what to do.
Works with Python 3.8 and later.
"""

import argparse
import hashlib
import json
import math
import os
import struct
import sys
import tempfile
from array import array
from typing import Dict, Iterable, List, NamedTuple, Sequence, Tuple

__all__ = [
    "Tensor", "PoldError", "MalformedFile", "NotCanonical", "UnsupportedType",
    "encode", "decode", "canonicalize", "is_canonical", "read", "write",
    "checkpoint_hash", "commitment",
]

MAX_HEADER_BYTES = 1 << 20
MAX_TENSORS = 4096
MAX_RANK = 8
MAX_NAME_BYTES = 256
MAX_ELEMENTS = 1 << 40
MIN_SALT_BYTES = 16
MAX_SALT_BYTES = 64

COMMITMENT_DOMAIN = b"pold/pol/commitment/v1"
_METADATA = "__metadata__"
_NAN = b"\x00\x00\xc0\x7f"


class PoldError(ValueError):
    """What is wrong, why, and what to do."""


class MalformedFile(PoldError):
    """The bytes or tensors do not make up a safetensors file."""


class NotCanonical(PoldError):
    """A good safetensors file, but not in the one form the chain accepts."""


class UnsupportedType(PoldError):
    """A tensor that is not float32."""


class Tensor(NamedTuple):
    """A float32 array: its shape, and its elements row by row as little-endian bytes."""

    shape: Tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, shape: Sequence[int], values: Iterable[float]) -> "Tensor":
        """Make a tensor from a flat sequence of numbers, rounded to the nearest float32."""
        flat = list(values)
        try:
            data = struct.pack("<%df" % len(flat), *flat)
        except OverflowError:
            raise MalformedFile(
                "expected numbers of at most 3.4e38, got a larger one: it does not fit into a float32; "
                "look for a training run that diverged") from None
        except struct.error:
            raise MalformedFile(
                "expected a flat sequence of numbers, got something else in it: tensors hold float32 only; "
                "flatten nested lists row by row") from None
        tensor = cls(tuple(shape), data)
        _check_tensor("", tensor)
        return tensor

    def values(self) -> array:
        """The elements as an array of floats, row by row."""
        return _floats(self.data)


def _floats(data: bytes) -> array:
    values = array("f")
    values.frombytes(data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _check_name(name: str) -> bytes:
    """Return the UTF-8 bytes of a tensor name, or refuse it."""
    try:
        raw = name.encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedFile("expected a tensor name in UTF-8, got %r: it holds half a surrogate pair; rename the tensor" % name[:80]) from None
    if not 0 < len(raw) <= MAX_NAME_BYTES or name == _METADATA or any(c < 0x20 or c == 0x7F for c in raw):
        raise MalformedFile(
            "expected a tensor name of 1 to %d bytes without control characters, got %r: "
            "the chain refuses others; rename the tensor" % (MAX_NAME_BYTES, name[:80]))
    return raw


def _check_tensor(name: str, tensor: Tensor) -> None:
    if len(tensor.shape) > MAX_RANK:
        raise MalformedFile("tensor %r: expected at most %d dimensions, got %d: the chain refuses more; reshape it"
                            % (name, MAX_RANK, len(tensor.shape)))
    elements = 1
    for size in tensor.shape:
        if type(size) is not int or not 0 <= size <= MAX_ELEMENTS or elements * size > MAX_ELEMENTS:
            raise MalformedFile("tensor %r: expected a shape of whole numbers with at most 2^40 elements, got %r: "
                                "no file could hold it; correct the shape" % (name, tensor.shape))
        elements *= size
    if len(tensor.data) != 4 * elements:
        raise MalformedFile("tensor %r: expected %d bytes for float32 of shape %s, got %d: shape and data do not belong together; "
                            "correct one of them" % (name, 4 * elements, list(tensor.shape), len(tensor.data)))


def _canonical_nans(data: bytes) -> Tuple[bytes, int]:
    """Replace every NaN by the canonical one; return the data and how many changed."""
    values = _floats(data)
    at = [4 * i for i, v in enumerate(values) if v != v and data[4 * i:4 * i + 4] != _NAN]
    if not at:
        return data, 0
    out = bytearray(data)
    for i in at:
        out[i:i + 4] = _NAN
    return bytes(out), len(at)


def encode(tensors: Dict[str, Tensor]) -> bytes:
    """Return the canonical file of the tensors. Their order in the dict does not matter."""
    if len(tensors) > MAX_TENSORS:
        raise MalformedFile("expected at most %d tensors, got %d: the chain refuses more; join some of them" % (MAX_TENSORS, len(tensors)))
    entries, body, offset = [], [], 0
    for name in sorted(tensors, key=_check_name):
        tensor = tensors[name]
        _check_tensor(name, tensor)
        end = offset + len(tensor.data)
        entries.append('%s:{"dtype":"F32","shape":[%s],"data_offsets":[%d,%d]}' % (
            json.dumps(name, ensure_ascii=False), ",".join(map(str, tensor.shape)), offset, end))
        body.append(_canonical_nans(tensor.data)[0])
        offset = end
    header = ("{" + ",".join(entries) + "}").encode("utf-8")
    header += b" " * (-len(header) % 8)
    if len(header) > MAX_HEADER_BYTES:
        raise MalformedFile("expected a header of at most %d bytes, got %d: the chain refuses more; shorten the tensor names"
                            % (MAX_HEADER_BYTES, len(header)))
    return struct.pack("<Q", len(header)) + header + b"".join(body)


class _File(NamedTuple):
    tensors: Dict[str, Tensor]  # in the order of the data
    listed: List[bytes]         # names in the order of the header
    metadata: List[str]         # keys
    header: int                 # bytes of the header with its padding


def decode(data: bytes) -> Dict[str, Tensor]:
    """Read any well-formed safetensors file of float32 tensors, in the order of its data."""
    return _parse(data).tensors


def _parse(data: bytes) -> _File:
    if len(data) < 8:
        raise MalformedFile("expected at least the 8 bytes of the header length, got %d: the file is cut or of another kind; write it again" % len(data))
    size = struct.unpack_from("<Q", data)[0]
    if size > MAX_HEADER_BYTES or size > len(data) - 8:
        raise MalformedFile("expected a header of at most %d bytes, got a length of %d: the file is cut or no safetensors file; "
                            "check which file it is" % (min(MAX_HEADER_BYTES, len(data) - 8), size))
    header = _parse_header(data[8:8 + size])
    metadata = _metadata_keys(header.pop(_METADATA)) if _METADATA in header else []
    if len(header) > MAX_TENSORS:
        raise MalformedFile("expected at most %d tensors, got %d: the chain refuses more; join some of them" % (MAX_TENSORS, len(header)))
    entries = []
    for name, entry in header.items():
        shape, begin, end = _parse_entry(name, entry)
        entries.append((begin, end, name, shape))
    listed = [_check_name(name) for name in header]

    body, tensors, at = data[8 + size:], {}, 0
    for begin, end, name, shape in sorted(entries, key=lambda e: e[:2]):
        if begin != at or not begin <= end <= len(body):
            raise MalformedFile("tensor %r: expected data from byte %d on within %d bytes, got [%d, %d]: tensors overlap, leave a gap or are cut; "
                                "write the file again" % (name, at, len(body), begin, end))
        tensors[name] = Tensor(tuple(shape), body[begin:end])
        _check_tensor(name, tensors[name])
        at = end
    if at != len(body):
        raise MalformedFile("expected the end of the file after the last tensor, got %d more bytes: every byte must belong to a tensor; "
                            "write the file again" % (len(body) - at))
    return _File(tensors, listed, metadata, size)


def _parse_header(raw: bytes) -> dict:
    """Read the JSON of a header more strictly than json does by itself."""
    def bad(what: str) -> MalformedFile:
        return MalformedFile("expected a header in the JSON of safetensors, got %s: the file is damaged or no safetensors file; write it again" % what)

    def members(pairs: list) -> dict:
        out = dict(pairs)
        if len(out) != len(pairs):
            raise bad("the same key twice")
        return out

    def integer(digits: str) -> int:
        if digits[0] == "-" or len(digits) > 19:
            raise bad("the number %s" % digits[:20])
        return int(digits)

    def refuse(text: str) -> None:
        raise bad("the number %s" % text[:20])

    if raw[:1] != b"{":
        raise bad("no '{' at its start")
    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=members, parse_int=integer, parse_float=refuse, parse_constant=refuse)
    except UnicodeDecodeError:
        raise bad("broken UTF-8") from None
    except (json.JSONDecodeError, RecursionError) as err:
        raise bad(str(err)) from None
    return header


def _parse_entry(name: str, entry: object) -> Tuple[List[int], int, int]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise MalformedFile("tensor %r: expected exactly dtype, shape and data_offsets: the format knows nothing else; write the file again" % name[:80])
    if entry["dtype"] != "F32":
        raise UnsupportedType("tensor %r: expected dtype F32, got %r: converting may change the loss, so it is yours to do; "
                              "convert it (for example with .float()) and write the file again" % (name[:80], entry["dtype"]))
    for key in ("shape", "data_offsets"):
        if not isinstance(entry[key], list) or any(type(n) is not int for n in entry[key]):
            raise MalformedFile("tensor %r: expected a list of whole numbers as %s: the file is damaged; write it again" % (name[:80], key))
    if len(entry["data_offsets"]) != 2:
        raise MalformedFile("tensor %r: expected two data_offsets, got %d: the file is damaged; write it again" % (name[:80], len(entry["data_offsets"])))
    return entry["shape"], entry["data_offsets"][0], entry["data_offsets"][1]


def _metadata_keys(metadata: object) -> List[str]:
    if not isinstance(metadata, dict) or any(not isinstance(v, str) for v in metadata.values()):
        raise MalformedFile("expected texts as metadata: the file is damaged; write it again")
    for text in list(metadata) + list(metadata.values()):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise MalformedFile("expected metadata in UTF-8, got half a surrogate pair: the file is damaged; write it again") from None
    return list(metadata)


def canonicalize(data: bytes) -> Tuple[bytes, List[str]]:
    """Return the canonical form of a float32 safetensors file and, in words, what changed.

    The list is empty exactly when the file was canonical. Values keep their bits, except
    that every NaN becomes the canonical one.
    """
    file = _parse(data)
    out = encode(file.tensors)
    if out == data:
        return out, []
    changes = []
    if file.metadata:
        changes.append("removed the metadata (%d entries: %s)" % (len(file.metadata), ", ".join(file.metadata[:8])[:200]))
    if file.listed != sorted(file.listed):
        changes.append("sorted the header by tensor name")
    stored = [name.encode("utf-8") for name in file.tensors]
    if stored != sorted(stored):
        changes.append("sorted the data by tensor name")
    nans = sum(_canonical_nans(tensor.data)[1] for tensor in file.tensors.values())
    if nans:
        changes.append("replaced %d NaN values by the canonical NaN" % nans)
    size = struct.unpack_from("<Q", out)[0]
    if not changes or size != file.header:
        changes.append("rewrote the header without spaces and other spellings (%d bytes, now %d)" % (file.header, size))
    return out, changes


def is_canonical(data: bytes) -> bool:
    """Whether the bytes are a checkpoint file that the chain accepts."""
    try:
        return canonicalize(data)[0] == data
    except PoldError:
        return False


def read(path: str) -> Dict[str, Tensor]:
    """Read a safetensors file of float32 tensors, canonical or not."""
    return decode(_load(path))


def write(path: str, tensors: Dict[str, Tensor]) -> None:
    """Write tensors as a canonical file. An existing file is replaced as a whole or not at all."""
    _store(path, encode(tensors))


def _load(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _store(path: str, data: bytes) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(prefix=".pold-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def checkpoint_hash(path: str) -> bytes:
    """SHA-256 (32 bytes) of a canonical checkpoint file: its identity on the chain.

    A file that is not canonical is refused, because the chain would refuse it too.
    """
    data = _load(path)
    canonical, changes = canonicalize(data)
    if canonical != data:
        raise NotCanonical("expected a canonical file, got one that differs (canonicalizing it: %s): the chain accepts one form only; "
                           "run: python3 pold.py canonicalize %s OUT" % ("; ".join(changes), path))
    return hashlib.sha256(data).digest()


def commitment(chain_id: str, group: str, round: int, trainer: str, checkpoint_hash: bytes,
               claimed_loss_e9: int, salt: bytes, transcript_root: bytes = b"") -> bytes:
    """The 32 bytes that MsgCommitCheckpoint carries.

    trainer is the bech32 address of the sender, claimed_loss_e9 the loss times 10^9 as an
    integer, salt 16 to 64 random bytes kept secret until the reveal (secrets.token_bytes(32)).
    transcript_root stays empty in proof mode SCORED.

    SHA-256 over, each preceded by its length as uint32 big endian: the domain
    "pold/pol/commitment/v1", chain_id, group, round (uint64 big endian), trainer,
    checkpoint_hash, transcript_root, claimed_loss_e9 (uint64 big endian), salt.
    """
    if len(checkpoint_hash) != 32:
        raise PoldError("expected a checkpoint hash of 32 bytes, got %d: it is a SHA-256; pass the result of checkpoint_hash, not its hex text" % len(checkpoint_hash))
    if not MIN_SALT_BYTES <= len(salt) <= MAX_SALT_BYTES:
        raise PoldError("expected a salt of %d to %d bytes, got %d: a short one can be guessed and the chain refuses it; use secrets.token_bytes(32)"
                        % (MIN_SALT_BYTES, MAX_SALT_BYTES, len(salt)))
    if len(transcript_root) not in (0, 32):
        raise PoldError("expected a transcript root of 0 or 32 bytes, got %d: it is a SHA-256; leave it empty in proof mode SCORED" % len(transcript_root))
    fields = [COMMITMENT_DOMAIN, chain_id.encode("utf-8"), group.encode("utf-8"), _uint64("round", round), trainer.encode("utf-8"),
              checkpoint_hash, transcript_root, _uint64("claimed_loss_e9", claimed_loss_e9), salt]
    return hashlib.sha256(b"".join(struct.pack(">I", len(field)) + field for field in fields)).digest()


def _uint64(name: str, value: int) -> bytes:
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise PoldError("expected %s as an integer from 0 to 2^64-1, got %r: the chain has no other numbers; "
                        "a loss is handed in times 10^9, rounded by the engine" % (name, value))
    return struct.pack(">Q", value)


def _inspect(path: str) -> None:
    data = _load(path)
    tensors = decode(data)
    _, changes = canonicalize(data)
    elements = sum(len(tensor.data) // 4 for tensor in tensors.values())
    print("%s: %d bytes, %d tensors, %d numbers" % (path, len(data), len(tensors), elements))
    if changes:
        print("canonical: no; canonicalizing it would do this:")
        for change in changes:
            print("  " + change)
    else:
        print("canonical: yes")
        print("hash: " + hashlib.sha256(data).hexdigest())
    infinite = 0
    for name, tensor in tensors.items():
        values = tensor.values()
        finite = [v for v in values if math.isfinite(v)]
        infinite += len(values) - len(finite)
        span = "%.9g to %.9g" % (min(finite), max(finite)) if finite else "no finite numbers"
        print("  %-32s %-16s %s" % (name, list(tensor.shape), span))
    if infinite:
        print("warning: %d numbers are infinite or NaN; such a checkpoint cannot win, look for a training run that diverged" % infinite)


def _canonicalize_file(source: str, target: str) -> None:
    out, changes = canonicalize(_load(source))
    _store(target, out)
    for change in changes or ["nothing to change"]:
        print(change)
    print("wrote %s, hash %s" % (target, hashlib.sha256(out).hexdigest()))


def main(arguments: Sequence[str] = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="pold.py", description="Look at, canonicalize and hash checkpoints for pold.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser("inspect", help="list the tensors and say whether the file is canonical")
    command.add_argument("file", metavar="FILE")
    command = commands.add_parser("canonicalize", help="write the canonical form and say what changed")
    command.add_argument("source", metavar="IN")
    command.add_argument("target", metavar="OUT")
    command = commands.add_parser("hash", help="print the checkpoint hash of a canonical file")
    command.add_argument("file", metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        if options.command == "inspect":
            _inspect(options.file)
        elif options.command == "canonicalize":
            _canonicalize_file(options.source, options.target)
        else:
            print(checkpoint_hash(options.file).hex())
    except PoldError as err:
        print("error: %s" % err, file=sys.stderr)
        return 1
    except OSError as err:
        print("error: %s: %s; check the path" % (err.filename or "file", err.strerror or err), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
