"""SPEC.md section 4."""
import hashlib
import struct

from second.arithmetic import rounded


class Stream:
    def __init__(self, seed, label, index):
        h = hashlib.sha256(b"pold-engine/1/stream\0" + seed + struct.pack("<Q", index) + label.encode()).digest()
        self.key, self.nonce = struct.unpack("<2I", h[:8]), struct.unpack("<2I", h[8:16])
        self.block, self.words = 0, []

    def word(self):
        if not self.words:
            c = [self.block & 0xFFFFFFFF, self.block >> 32, *self.nonce]
            k0, k1 = self.key
            for _ in range(10):
                p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
                c = [p1 >> 32 ^ c[1] ^ k0, p1 & 0xFFFFFFFF, p0 >> 32 ^ c[3] ^ k1, p0 & 0xFFFFFFFF]
                k0, k1 = k0 + 0x9E3779B9 & 0xFFFFFFFF, k1 + 0xBB67AE85 & 0xFFFFFFFF
            self.block, self.words = self.block + 1, c
        return self.words.pop(0)

    def below(self, n):
        while True:
            w = self.word()
            if w * n % 2**32 >= 2**32 % n:
                return w * n >> 32

    def symmetric(self):
        return rounded(2 * (self.word() >> 9) + 1 - 2**23, -23)

    def permutation(self, n):
        p = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.below(i + 1)
            p[i], p[j] = p[j], p[i]
        return p
