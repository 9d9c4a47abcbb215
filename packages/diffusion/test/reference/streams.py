"""The random streams once more, written from the description in src/stream.ts and src/normal.ts alone.

`python3 streams.py` prints the known answers that ../stream.test.ts holds. Plain Python: its floats are float64 without
fused multiply-adds, its integers have no size.
"""

import math
import struct

MASK = 0xFFFFFFFF
L = [4 * c for c in (1.0000000000041798, 0.3333333262373747, 0.20000192337185843, 0.14267525468894596, 0.11808180325285564)]
S = [1.5707963267680658, -0.6459640955741239, 0.07969260368557103, -0.004681657707268777, 0.00016025459023028514, -0.0000034317889901890023]
C = [0.9999999999970073, -0.2337005499206642, 0.019968955248776954, -0.0008945122465685292, 0.000024716479435840907, -4.4616349935488114e-7]


def philox(c, k):
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def word(stream, i, attempt=0):
    seed, purpose, index = stream
    counter = [i // 4, index & MASK, index >> 32, purpose + 256 * attempt]
    return philox(counter, [seed & MASK, seed >> 32])[i % 4]


def horner(coefficients, x):
    value = coefficients[-1]
    for c in coefficients[-2::-1]:
        value = c + x * value
    return value


def float32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def bits(x):
    return struct.unpack("<I", struct.pack("<f", x))[0]


def normal_pair(a, b):
    m, exponent = math.frexp((a + 0.5) / 2**32)
    if m < math.sqrt(0.5):
        m, exponent = 2 * m, exponent - 1
    s = (m - 1) / (m + 1)
    r = math.sqrt(-exponent * 1.3862943611198906 - s * horner(L, s * s))
    h = -r if b >= 2**31 else r
    f = ((b % 2**31) - 2**30 + 0.5) / 2**30
    g = f * f
    return float32(h * ((1 - f) * (1 + f) * horner(C, g))), float32(h * (f * horner(S, g)))


def normals(stream, count):
    pairs = (normal_pair(word(stream, i), word(stream, i + 1)) for i in range(0, count, 2))
    return [x for pair in pairs for x in pair][:count]


def uniform(stream, i, low, high):
    return float32(low + (high - low) * ((word(stream, i) + 0.5) / 2**32))


def integer(stream, i, low, high):
    n = high - low + 1
    attempt = 0
    while True:
        product = word(stream, i, attempt) * n
        if product & MASK >= 2**32 % n:
            return low + (product >> 32)
        attempt += 1


def permutation(stream, n):
    order = list(range(n))
    for i in range(1, n):
        j = integer(stream, i, 0, i)
        order[i], order[j] = order[j], order[i]
    return order


def fnv1a(words):
    h = 0x811C9DC5
    for w in words:
        h = ((h ^ (w & MASK)) * 0x01000193) & MASK
    return f"{h:08x}"


NOISE, TIMESTEP, SAMPLE_INITIAL = 4, 3, 5
for stream in (0, NOISE, 0), (1234567890123456, SAMPLE_INITIAL, 9876543210987):
    print(stream)
    print("  normals", " ".join(f"{bits(x):08x}" for x in normals(stream, 8)))
    print("  uniform -1..1", " ".join(f"{bits(uniform(stream, i, -1, 1)):08x}" for i in range(4)))
    print("  integers 1..400", *(integer(stream, i, 1, 400) for i in range(16)))
    print("  integers -2^31..2^30-1", *(integer(stream, i, -(2**31), 2**30 - 1) for i in range(12)))
    print("  permutation of 12", *permutation(stream, 12))
print("hash of 20001 normals", fnv1a(bits(x) for x in normals((2024, NOISE, 7), 20001)))
print("hash of 20001 integers", fnv1a(integer((2024, TIMESTEP, 7), i, -(2**31), 2**30 - 1) for i in range(20001)))
