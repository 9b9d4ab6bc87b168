"""Tests of pold.py: python3 -m unittest test_pold"""

import contextlib
import hashlib
import io
import json
import os
import random
import struct
import tempfile
import unittest

import pold
from pold import Tensor


def raw_file(header, body=b""):
    """A file with the given header (bytes, str or object) and data."""
    if not isinstance(header, (str, bytes)):
        header = json.dumps(header)
    if isinstance(header, str):
        header = header.encode("utf-8")
    return struct.pack("<Q", len(header)) + header + body


def entry(begin, end, shape, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


class CanonicalForm(unittest.TestCase):
    def test_bytes_are_exactly_those_of_the_definition(self):
        got = pold.encode({"b": Tensor.of([2], [1, -2]), "a.bias": Tensor.of([], [0.5])})
        header = b'{"a.bias":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}'
        self.assertEqual(len(header), 112)
        want = struct.pack("<Q", 112) + header + struct.pack("<3f", 0.5, 1, -2)
        self.assertEqual(got, want)

    def test_header_is_padded_with_spaces_to_eight_bytes(self):
        for length in range(1, 20):
            data = pold.encode({"n" * length: Tensor.of([1], [1])})
            size = struct.unpack_from("<Q", data)[0]
            header = data[8:8 + size]
            self.assertEqual(size % 8, 0)
            self.assertLess(len(header) - len(header.rstrip(b" ")), 8)
            self.assertEqual(len(data), 8 + size + 4)

    def test_names_are_sorted_by_utf8_bytes(self):
        # U+FF61 sorts after U+10000 in UTF-16, but before it in UTF-8.
        names = ["\U00010000", "\uff61", "Z", "a", "10", "9", "é", 'quote"', "back\\slash"]
        data = pold.encode({name: Tensor.of([1], [i]) for i, name in enumerate(names)})
        self.assertEqual(list(pold.decode(data)), sorted(names, key=lambda n: n.encode("utf-8")))
        self.assertTrue(pold.is_canonical(data))

    def test_order_of_the_dict_does_not_matter(self):
        tensors = {"t%d" % i: Tensor.of([i], range(i)) for i in range(12)}
        want = pold.encode(tensors)
        names = list(tensors)
        random.Random(1).shuffle(names)
        self.assertEqual(pold.encode({name: tensors[name] for name in names}), want)
        self.assertEqual(pold.decode(want), tensors)

    def test_an_empty_file_is_padded_too(self):
        self.assertEqual(pold.encode({}), struct.pack("<Q", 8) + b"{}      ")

    def test_every_nan_becomes_the_canonical_one_and_other_bits_stay(self):
        words = [0x7FC00000, 0xFFC00001, 0x7F800001, 0x7F800000, 0x80000000, 0x00000001]
        out = pold.encode({"x": Tensor((6,), struct.pack("<6I", *words))})
        self.assertEqual(struct.unpack("<6I", out[-24:]), (0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7F800000, 0x80000000, 0x00000001))


class Canonicalize(unittest.TestCase):
    def changes(self, data):
        out, changes = pold.canonicalize(data)
        self.assertTrue(pold.is_canonical(out))
        self.assertEqual(pold.is_canonical(data), not changes)
        return out, changes

    def test_a_canonical_file_stays_as_it_is(self):
        data = pold.encode({"x": Tensor.of([2], [1, 2])})
        self.assertEqual(self.changes(data), (data, []))

    def test_metadata_order_and_spelling_are_made_canonical(self):
        body = struct.pack("<2f", 1, 2)
        want = pold.encode({"a": Tensor.of([1], [2]), "b": Tensor.of([1], [1])})
        metadata = {"__metadata__": {"format": "pt"}}
        for name, header, expected in [
            ("data order", {"a": entry(4, 8, [1]), "b": entry(0, 4, [1])}, "sorted the data"),
            ("header order", {"b": entry(0, 4, [1]), "a": entry(4, 8, [1])}, "sorted the header"),
            ("metadata", {**metadata, "b": entry(0, 4, [1]), "a": entry(4, 8, [1])}, "removed the metadata (1 entries: format)"),
            ("escapes", '{"\\u0061":{"data_offsets":[4,8],"shape":[1],"dtype":"F32"},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "data by tensor name"),
        ]:
            with self.subTest(name):
                out, changes = self.changes(raw_file(header, body))
                self.assertEqual(out, want)
                self.assertIn(expected, "; ".join(changes))

    def test_a_header_that_differs_in_padding_only_is_rewritten(self):
        header = '{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
        for padded in (header, header + " " * 16, header.replace(":[", ": [")):
            out, changes = self.changes(raw_file(padded, b"\0\0\0\0"))
            self.assertEqual(out, pold.encode({"x": Tensor.of([1], [0])}))
            self.assertIn("rewrote the header", changes[-1])

    def test_nans_are_counted(self):
        data = raw_file({"x": entry(0, 8, [2])}, b"\x01\0\xc0\x7f" * 2)
        self.assertIn("replaced 2 NaN values by the canonical NaN", self.changes(data)[1])


class Refusals(unittest.TestCase):
    def test_damaged_files_are_refused_in_words(self):
        good = {"x": entry(0, 4, [1])}
        text = json.dumps(good)
        for name, data in {
            "nothing": b"",
            "seven bytes": b"\0" * 7,
            "a length beyond the file": struct.pack("<Q", 100) + b"{}",
            "a huge length": b"\xff" * 8 + b"{}",
            "no object": raw_file("[]"),
            "a space before the object": raw_file(" {}"),
            "no JSON": raw_file("{]"),
            "text after the object": raw_file("{} x"),
            "broken UTF-8": raw_file(b'{"\xff":1}'),
            "deep nesting": raw_file('{"x":' + "[" * 100000),
            "half a surrogate pair as name": raw_file('{"\\ud800":%s}' % json.dumps(entry(0, 0, [0]))),
            "half a surrogate pair in metadata": raw_file('{"__metadata__":{"a":"\\udc00"}}'),
            "metadata that is no text": raw_file({"__metadata__": {"a": 1}}),
            "metadata that is no object": raw_file({"__metadata__": "a"}),
            "an entry that is no object": raw_file({"x": 1}),
            "the same tensor twice": raw_file('{"x":%s,"x":%s}' % (json.dumps(entry(0, 4, [1])), json.dumps(entry(4, 8, [1]))), b"\0" * 8),
            "a key too many": raw_file({"x": {**entry(0, 4, [1]), "note": 1}}, b"\0" * 4),
            "a key missing": raw_file({"x": {"dtype": "F32", "shape": []}}, b"\0" * 4),
            "a negative size": raw_file({"x": entry(0, 4, [-1])}, b"\0" * 4),
            "minus zero": raw_file(text.replace("[0,", "[-0,").replace("[0, ", "[-0, "), b"\0" * 4),
            "a fraction": raw_file({"x": entry(0, 4, [1.0])}, b"\0" * 4),
            "true as a size": raw_file({"x": entry(0, 4, [True])}, b"\0" * 4),
            "a number without end": raw_file(text.replace("[1]", "[%s]" % ("9" * 5000)), b"\0" * 4),
            "one offset": raw_file({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}, b"\0" * 4),
            "shape and data that differ": raw_file({"x": entry(0, 4, [2])}, b"\0" * 4),
            "a shape too large": raw_file({"x": entry(0, 0, [1 << 40, 1 << 40, 0])}),
            "nine dimensions": raw_file({"x": entry(0, 4, [1] * 9)}, b"\0" * 4),
            "a gap": raw_file({"x": entry(4, 8, [1])}, b"\0" * 8),
            "an overlap": raw_file({"x": entry(0, 4, [1]), "y": entry(0, 4, [1])}, b"\0" * 4),
            "offsets that run backwards": raw_file({"x": entry(0, 4, [1]), "y": entry(4, 0, [1])}, b"\0" * 4),
            "data past the end": raw_file(good, b"\0" * 3),
            "surplus bytes": raw_file(good, b"\0" * 5),
            "an empty name": raw_file({"": entry(0, 0, [0])}),
            "a long name": raw_file({"n" * 257: entry(0, 0, [0])}),
            "a control character in a name": raw_file({"a\n": entry(0, 0, [0])}),
            "a DEL in a name": raw_file({"a\x7f": entry(0, 0, [0])}),
            "too many tensors": raw_file({"t%d" % i: entry(0, 0, [0]) for i in range(4097)}),
        }.items():
            with self.subTest(name):
                with self.assertRaises(pold.MalformedFile) as caught:
                    pold.canonicalize(data)
                self.assertRegex(str(caught.exception), r"expected .+: .+")
                self.assertFalse(pold.is_canonical(data))

    def test_other_types_are_not_converted(self):
        with self.assertRaisesRegex(pold.UnsupportedType, "expected dtype F32, got 'F16'.*convert it"):
            pold.decode(raw_file({"x": entry(0, 2, [1], "F16")}, b"\0\0"))

    def test_encode_refuses_what_it_could_not_read_again(self):
        one = Tensor.of([1], [1])
        for name, tensors in {
            "reserved name": {"__metadata__": one}, "empty name": {"": one}, "long name": {"é" * 129: one}, "tab": {"a\tb": one},
            "surrogate": {"\ud800": one}, "short data": {"x": Tensor((2,), b"\0" * 4)}, "negative size": {"x": Tensor((-1,), b"")},
            "fraction": {"x": Tensor((1.0,), b"\0" * 4)}, "nine dimensions": {"x": Tensor((1,) * 9, b"\0" * 4)},
            "too many": {"t%d" % i: one for i in range(4097)},
            "header too large": {"%05d" % i + "n" * 251: one for i in range(4000)},
        }.items():
            with self.subTest(name), self.assertRaises(pold.MalformedFile):
                pold.encode(tensors)

    def test_tensor_of_refuses_numbers_that_are_no_float32(self):
        with self.assertRaisesRegex(pold.MalformedFile, "3.4e38"):
            Tensor.of([1], [1e39])
        with self.assertRaisesRegex(pold.MalformedFile, "flat sequence"):
            Tensor.of([1, 1], [[1.0]])
        with self.assertRaisesRegex(pold.MalformedFile, "expected 8 bytes"):
            Tensor.of([2], [1.0])

    def test_tensor_of_rounds_to_the_nearest_float32(self):
        tensor = Tensor.of([3], [0.1, 16777217.0, 16777219.0])
        self.assertEqual(struct.unpack("<3I", tensor.data), (0x3DCCCCCD, 0x4B800000, 0x4B800002))
        self.assertEqual(list(tensor.values()), [struct.unpack("<f", struct.pack("<f", 0.1))[0], 16777216.0, 16777220.0])


class Commitment(unittest.TestCase):
    arguments = dict(chain_id="pold-devnet-1", group="digits", round=7, trainer="pol1trainer", checkpoint_hash=bytes(range(32)),
                     claimed_loss_e9=123456789, salt=b"0123456789abcdef")

    def test_bytes_are_those_of_the_definition(self):
        data = (b"\0\0\0\x16pold/pol/commitment/v1" b"\0\0\0\x0dpold-devnet-1" b"\0\0\0\x06digits" b"\0\0\0\x08\0\0\0\0\0\0\0\x07"
                b"\0\0\0\x0bpol1trainer" b"\0\0\0\x20" + bytes(range(32)) + b"\0\0\0\0" b"\0\0\0\x08\0\0\0\0\x07\x5b\xcd\x15" b"\0\0\0\x100123456789abcdef")
        self.assertEqual(pold.commitment(**self.arguments), hashlib.sha256(data).digest())

    def test_every_field_changes_the_result(self):
        base = pold.commitment(**self.arguments)
        for name, value in dict(chain_id="pold-devnet-2", group="digit", round=8, trainer="pol1trainers", checkpoint_hash=bytes(32),
                                claimed_loss_e9=123456788, salt=b"0123456789abcdeg", transcript_root=bytes(32)).items():
            with self.subTest(name):
                self.assertNotEqual(pold.commitment(**{**self.arguments, name: value}), base)

    def test_fields_out_of_range_are_refused(self):
        for name, value in [("round", -1), ("round", 1 << 64), ("claimed_loss_e9", 0.5), ("claimed_loss_e9", True), ("salt", b"short"),
                            ("salt", b"x" * 65), ("checkpoint_hash", b"x" * 31), ("transcript_root", b"x")]:
            with self.subTest(name, value=value), self.assertRaisesRegex(pold.PoldError, "expected"):
                pold.commitment(**{**self.arguments, name: value})


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "model.safetensors")
        self.foreign = os.path.join(folder.name, "foreign.safetensors")
        with open(self.foreign, "wb") as file:
            file.write(raw_file({"__metadata__": {"format": "pt"}, "x": entry(0, 8, [2])}, struct.pack("<2f", 1.5, -2)))

    def run_cli(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = pold.main(arguments)
        return status, out.getvalue(), err.getvalue()

    def test_write_read_hash(self):
        tensors = {"x": Tensor.of([2], [1.5, -2])}
        pold.write(self.path, tensors)
        self.assertEqual(pold.read(self.path), tensors)
        with open(self.path, "rb") as file:
            self.assertEqual(pold.checkpoint_hash(self.path), hashlib.sha256(file.read()).digest())

    def test_a_failed_write_leaves_the_old_file_and_nothing_else(self):
        pold.write(self.path, {})
        with open(self.path, "rb") as file:
            before = file.read()
        with self.assertRaises(pold.PoldError):
            pold.write(self.path, {"": Tensor.of([], [1])})
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), before)
        with self.assertRaises(OSError):
            pold.write(os.path.dirname(self.path), {})
        self.assertEqual(sorted(os.listdir(os.path.dirname(self.path))), ["foreign.safetensors", "model.safetensors"])

    def test_hash_refuses_a_file_that_is_not_canonical(self):
        with self.assertRaisesRegex(pold.NotCanonical, "removed the metadata.*python3 pold.py canonicalize"):
            pold.checkpoint_hash(self.foreign)

    def test_cli_canonicalizes_and_hashes(self):
        status, out, _ = self.run_cli("canonicalize", self.foreign, self.path)
        self.assertEqual(status, 0)
        self.assertIn("removed the metadata (1 entries: format)", out)
        status, out, _ = self.run_cli("hash", self.path)
        self.assertEqual((status, out.strip()), (0, pold.checkpoint_hash(self.path).hex()))
        status, out, _ = self.run_cli("canonicalize", self.path, self.path)
        self.assertEqual(status, 0)
        self.assertIn("nothing to change", out)

    def test_cli_inspects(self):
        status, out, _ = self.run_cli("inspect", self.foreign)
        self.assertEqual(status, 0)
        self.assertIn("canonical: no", out)
        self.assertRegex(out, r"x +\[2\] +-2 to 1.5")
        pold.write(self.path, {"bad": Tensor.of([2], [float("inf"), float("nan")])})
        status, out, _ = self.run_cli("inspect", self.path)
        self.assertIn("canonical: yes", out)
        self.assertIn("warning: 2 numbers", out)

    def test_cli_reports_errors_as_sentences_with_status_one(self):
        for arguments, says in [(("hash", self.foreign), "expected a canonical file"), (("inspect", self.path), "check the path"),
                                (("canonicalize", __file__, self.path), "expected a header")]:
            with self.subTest(arguments[0]):
                status, out, err = self.run_cli(*arguments)
                self.assertEqual((status, out), (1, ""))
                self.assertRegex(err, "^error: ")
                self.assertIn(says, err)


if __name__ == "__main__":
    unittest.main()
