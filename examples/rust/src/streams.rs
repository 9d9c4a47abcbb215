//! The random numbers of packages/diffusion (philox.ts, normal.ts, stream.ts), bit for bit.

pub const INITIALISE: u32 = 1;
pub const PERMUTE: u32 = 2;
pub const TIMESTEP: u32 = 3;
pub const NOISE: u32 = 4;

/// Which numbers: those of a seed, for a purpose, of an index such as the step.
#[derive(Clone, Copy)]
pub struct Stream {
    pub seed: u64,
    pub purpose: u32,
    pub index: u64,
}

/// Philox4x32-10: `count` uniform words.
pub fn words(count: usize, Stream { seed, purpose, index }: Stream, attempt: u32) -> Vec<u32> {
    let mut result = Vec::with_capacity(count + 3);
    for block in 0..count.div_ceil(4) {
        let mut x = [block as u32, index as u32, (index >> 32) as u32, purpose + 256 * attempt];
        let (mut k0, mut k1) = (seed as u32, (seed >> 32) as u32);
        for _ in 0..10 {
            let (p0, p1) = (x[0] as u64 * 0xD2511F53, x[2] as u64 * 0xCD9E8D57);
            x = [(p1 >> 32) as u32 ^ x[1] ^ k0, p1 as u32, (p0 >> 32) as u32 ^ x[3] ^ k1, p0 as u32];
            (k0, k1) = (k0.wrapping_add(0x9E3779B9), k1.wrapping_add(0xBB67AE85));
        }
        result.extend(x);
    }
    result.truncate(count);
    result
}

pub fn uniform(count: usize, low: f64, high: f64, stream: Stream) -> Vec<f32> {
    let value = |word: u32| (low + (high - low) * ((word as f64 + 0.5) / 4294967296.0)) as f32;
    words(count, stream, 0).into_iter().map(value).collect()
}

fn horner(coefficients: &[f64], z: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| c + z * sum)
}

/// Standard normals by Box and Muller, with + - * / sqrt alone, rounded to float32 at the end.
pub fn normals(count: usize, stream: Stream) -> Vec<f32> {
    // From the highest power down: atanh's logarithm, sine and cosine of half a turn (normal.ts).
    let l = [0.11808180325285564, 0.14267525468894596, 0.20000192337185843, 0.3333333262373747, 1.0000000000041798]
        .map(|c| 4.0 * c);
    let s = [
        -0.0000034317889901890023,
        0.00016025459023028514,
        -0.004681657707268777,
        0.07969260368557103,
        -0.6459640955741239,
        1.5707963267680658,
    ];
    let c = [
        -4.4616349935488114e-7,
        0.000024716479435840907,
        -0.0008945122465685292,
        0.019968955248776954,
        -0.2337005499206642,
        0.9999999999970073,
    ];
    let mut result = Vec::with_capacity(count + 1);
    for pair in words(count + count % 2, stream, 0).chunks_exact(2) {
        let (a, b) = (pair[0], pair[1]);
        let zeros = a.leading_zeros();
        let above = a.checked_shl(zeros).unwrap_or(0) >= 0xB504F334;
        let k = zeros + u32::from(!above);
        let m = (a as f64 + 0.5) * 2f64.powi(k as i32 - 32);
        let t = (m - 1.0) / (m + 1.0);
        let r = (k as f64 * 1.3862943611198906 - t * horner(&l, t * t)).sqrt();
        let h = if b >> 31 == 1 { -r } else { r };
        let f = ((b & 0x7FFFFFFF) as f64 - 1073741823.5) / 1073741824.0;
        let g = f * f;
        result.push((h * ((1.0 - f) * (1.0 + f) * horner(&c, g))) as f32);
        result.push((h * (f * horner(&s, g))) as f32);
    }
    result.truncate(count);
    result
}

/// Element i is one of low..=highs[i], without bias: a product that lies too low is drawn again.
pub fn integers(low: u64, highs: &[u64], stream: Stream) -> Vec<u64> {
    let mut result = vec![None; highs.len()];
    for attempt in 0.. {
        let drawn = words(highs.len(), stream, attempt);
        for (i, slot) in result.iter_mut().enumerate().filter(|(_, slot)| slot.is_none()) {
            let range = highs[i] - low + 1;
            let product = drawn[i] as u64 * range;
            *slot = (product as u32 as u64 >= (1 << 32) % range).then_some(low + (product >> 32));
        }
        if result.iter().all(Option::is_some) {
            break;
        }
    }
    result.into_iter().flatten().collect()
}

/// Fisher and Yates.
pub fn permutation(count: usize, stream: Stream) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let places = integers(0, &(0..count as u64).collect::<Vec<_>>(), stream);
    for i in 1..count {
        order.swap(i, places[i] as usize);
    }
    order
}
