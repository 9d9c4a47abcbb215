//! Runs a model with tract, which is Rust alone: run MODEL FEEDS OUTPUT FILE
//!
//! FEEDS, FILE and what is printed are those of ../../run.rs.
use std::{error::Error, fs, path::Path, time::Instant};
use tract_onnx::prelude::*;

/// Values of a type from their bytes.
fn values<T, const N: usize>(bytes: &[u8], of: fn([u8; N]) -> T) -> Vec<T> {
    bytes.chunks_exact(N).map(|chunk| of(chunk.try_into().unwrap())).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [path, feeds, output, file] = args.as_slice() else { return Err("run MODEL FEEDS OUTPUT FILE".into()) };
    let mut model = tract_onnx::onnx().model_for_path(path)?;
    let names: Vec<String> = model.input_outlets()?.iter().map(|outlet| model.node(outlet.node).name.clone()).collect();
    let mut inputs = vec![None; names.len()];
    for line in fs::read_to_string(Path::new(feeds).join("feeds.txt"))?.lines() {
        let [name, dtype, sizes, at] = line.split(' ').collect::<Vec<_>>()[..] else { return Err(line.into()) };
        let shape: Vec<usize> = sizes.split(',').filter_map(|size| size.parse().ok()).collect();
        let bytes = fs::read(Path::new(feeds).join(at))?;
        let value = match dtype {
            "float32" => Tensor::from_shape(&shape, &values(&bytes, f32::from_le_bytes))?,
            "int32" => Tensor::from_shape(&shape, &values(&bytes, i32::from_le_bytes))?,
            "int64" => Tensor::from_shape(&shape, &values(&bytes, i64::from_le_bytes))?,
            "uint8" => Tensor::from_shape(&shape, &bytes)?,
            other => return Err(format!("no such type here: {other}").into()),
        };
        let place = names.iter().position(|known| known == name).ok_or(format!("no such input: {name}"))?;
        model.set_input_fact(place, InferenceFact::dt_shape(value.datum_type(), value.shape()))?;
        inputs[place] = Some(value.into_tvalue());
    }
    let inputs: TVec<TValue> = inputs.into_iter().collect::<Option<_>>().ok_or("there is an input without a feed")?;
    // all outputs stay, so that nothing is left out of a training step
    let wanted = model.output_outlets()?.iter().position(|outlet| model.outlet_label(*outlet) == Some(output));
    let wanted = wanted.ok_or(format!("no such output: {output}"))?;
    let plan = model.into_optimized()?.into_runnable()?;
    let found = plan.run(inputs.clone())?.remove(wanted).into_tensor();
    fs::write(file, found.as_bytes())?;
    let (start, mut best) = (Instant::now(), f64::INFINITY);
    while best.is_infinite() || start.elapsed().as_secs_f64() < 1.0 {
        let begin = Instant::now();
        plan.run(inputs.clone())?;
        best = best.min(begin.elapsed().as_secs_f64() * 1e3);
    }
    println!("{best}");
    Ok(())
}
