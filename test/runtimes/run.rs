//! Runs a model with ONNX Runtime for Rust (ort): run MODEL FEEDS OUTPUT FILE
//!
//! FEEDS is a folder with feeds.txt, a line for each input: name, type, sizes ("-" for none), file. Writes the bytes of
//! OUTPUT to FILE and prints the milliseconds of the best run in a second after that.
use ort::{
    session::Session,
    value::{DynTensor, PrimitiveTensorElementType, Tensor, TensorElementType},
};
use std::{error::Error, fs, path::Path, time::Instant};

/// Values of a type from their bytes.
fn values<T, const N: usize>(bytes: &[u8], of: fn([u8; N]) -> T) -> Vec<T> {
    bytes.chunks_exact(N).map(|chunk| of(chunk.try_into().unwrap())).collect()
}

fn tensor<T: PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static>(
    shape: &[i64],
    values: Vec<T>,
) -> ort::Result<DynTensor> {
    Ok(Tensor::from_array((shape.to_vec(), values))?.upcast())
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, feeds, output, file] = args.as_slice() else { return Err("run MODEL FEEDS OUTPUT FILE".into()) };
    let mut inputs = Vec::new();
    for line in fs::read_to_string(Path::new(feeds).join("feeds.txt"))?.lines() {
        let [name, dtype, sizes, at] = line.split(' ').collect::<Vec<_>>()[..] else { return Err(line.into()) };
        let shape: Vec<i64> = sizes.split(',').filter_map(|size| size.parse().ok()).collect();
        let bytes = fs::read(Path::new(feeds).join(at))?;
        let value = match dtype {
            "float32" => tensor(&shape, values(&bytes, f32::from_le_bytes))?,
            "int32" => tensor(&shape, values(&bytes, i32::from_le_bytes))?,
            "int64" => tensor(&shape, values(&bytes, i64::from_le_bytes))?,
            "uint8" => tensor(&shape, bytes)?,
            other => return Err(format!("no such type here: {other}").into()),
        };
        inputs.push((name.to_string(), value));
    }
    let mut session = Session::builder(&ort::init().build()?)?.commit_from_file(model)?;
    let views = || inputs.iter().map(|(name, value)| (name.as_str(), value)).collect::<Vec<_>>();
    let outputs = session.run(views())?;
    let found = &outputs[output.as_str()];
    let bytes = match found.dtype().tensor_type() {
        Some(TensorElementType::Uint8) => found.try_extract_tensor::<u8>()?.1.to_vec(),
        _ => found.try_extract_tensor::<f32>()?.1.iter().flat_map(|value| value.to_le_bytes()).collect(),
    };
    drop(outputs);
    fs::write(file, bytes)?;
    let (start, mut best) = (Instant::now(), f64::INFINITY);
    while best.is_infinite() || start.elapsed().as_secs_f64() < 1.0 {
        let begin = Instant::now();
        session.run(views())?;
        best = best.min(begin.elapsed().as_secs_f64() * 1e3);
    }
    println!("{best}");
    Ok(())
}
