"""The random numbers of packages/diffusion (philox.ts, normal.ts, stream.ts) in NumPy, bit for bit."""

import numpy as np

PURPOSES = {"initialise": 1, "permute": 2, "timestep": 3, "noise": 4, "sampleInitial": 5, "sampleStep": 6}
U32 = np.uint64(0xFFFFFFFF)
# Coefficients from the highest power down: atanh's logarithm, sine and cosine of half a turn (normal.ts).
L = [0.11808180325285564, 0.14267525468894596, 0.20000192337185843, 0.3333333262373747, 1.0000000000041798]
S = [-0.0000034317889901890023, 0.00016025459023028514, -0.004681657707268777, 0.07969260368557103, -0.6459640955741239, 1.5707963267680658]
C = [-4.4616349935488114e-7, 0.000024716479435840907, -0.0008945122465685292, 0.019968955248776954, -0.2337005499206642, 0.9999999999970073]


def words(count, seed, purpose, index, attempt=0):
    """Philox4x32-10: `count` uniform 32-bit words of a stream, as uint64."""
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    fill = lambda value: np.full_like(blocks, value & 0xFFFFFFFF)
    x0, x1, x2, x3 = blocks, fill(index), fill(index >> 32), fill(PURPOSES[purpose] + 256 * attempt)
    k0, k1 = seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = x0 * np.uint64(0xD2511F53), x2 * np.uint64(0xCD9E8D57)
        x0, x1, x2, x3 = (p1 >> np.uint64(32)) ^ x1 ^ np.uint64(k0), p1 & U32, (p0 >> np.uint64(32)) ^ x3 ^ np.uint64(k1), p0 & U32
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([x0, x1, x2, x3], axis=1).reshape(-1)[:count]


def uniform(count, low, high, *stream):
    return (low + (high - low) * ((words(count, *stream) + 0.5) / 2.0**32)).astype(np.float32)


def horner(coefficients, z):
    value = coefficients[0]
    for c in coefficients[1:]:
        value = c + z * value
    return value


def normals(count, *stream):
    """Box and Muller with + - * / sqrt alone, in float64, rounded to float32 at the end."""
    a, b = words(count + count % 2, *stream).reshape(-1, 2).T
    zeros = 32 - np.frexp(a.astype(np.float64))[1]  # leading zeros
    above = a * 2.0**zeros >= 0xB504F334  # sqrt(2) 2^31
    k = zeros + 1 - above
    m = (a + 0.5) * 2.0 ** (k - 32)
    s = (m - 1) / (m + 1)
    r = np.sqrt(k * 1.3862943611198906 - s * horner([4 * c for c in L], s * s))
    h = np.where(b >> np.uint64(31), -r, r)
    f = ((b & np.uint64(0x7FFFFFFF)).astype(np.float64) - 1073741823.5) / 1073741824
    g = f * f
    pair = np.stack([h * ((1 - f) * (1 + f) * horner(C, g)), h * (f * horner(S, g))], axis=1)
    return pair.reshape(-1)[:count].astype(np.float32)


def integers(low, highs, *stream):
    """Element i is one of low .. highs[i], without bias: a product that lies too low is drawn again."""
    ranges = (np.asarray(highs) - low + 1).astype(np.uint64)
    result, todo = np.zeros(len(ranges), np.int64), np.arange(len(ranges))
    for attempt in range(100):
        product = words(len(ranges), *stream, attempt)[todo] * ranges[todo]
        kept = (product & U32) >= np.uint64(2**32) % ranges[todo]
        result[todo[kept]] = low + (product[kept] >> np.uint64(32)).astype(np.int64)
        todo = todo[~kept]
        if len(todo) == 0:
            return result
    raise RuntimeError("integers: 100 words in a row were rejected")


def permutation(count, *stream):
    """Fisher and Yates."""
    order, places = list(range(count)), integers(0, np.arange(count), *stream)
    for i in range(1, count):
        j = places[i]
        order[i], order[j] = order[j], order[i]
    return order
