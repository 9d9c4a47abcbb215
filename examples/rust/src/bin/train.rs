//! Trains a model folder's training_step.onnx on MNIST with ONNX Runtime: no gradient code, no framework.
//!
//!     ORT_DYLIB_PATH=…/libonnxruntime.so train models/unet-cond FOLDER_OF_MNIST STEPS [SEED]
//!
//! The losses are those of `trainer --artifacts models/unet-cond --seed SEED`, step for step, to rounding.
use onnx_diffusion_examples::streams::{
    INITIALISE, NOISE, PERMUTE, Stream, TIMESTEP, integers, normals, permutation, uniform,
};
use ort::{
    session::Session,
    value::{DynValue, Tensor},
};
use serde_json::Value;
use std::{error::Error, fs, path::Path};

const BATCH: usize = 16;
const LEARNING_RATE: f32 = 1e-4;

/// A tensor before the first step: constant, or drawn from the stream of its place in the state.
fn initial(tensor: &Value, stream: Stream) -> ort::Result<DynValue> {
    let (how, shape) = (&tensor["initializer"], sizes(&tensor["shape"]));
    let count = shape.iter().product::<i64>() as usize;
    let number = |key: &str| how[key].as_f64().unwrap_or_default();
    if tensor["dtype"] == "int32" {
        return Ok(Tensor::from_array((shape, vec![number("value") as i32; count]))?.into_dyn());
    }
    let values = match how["kind"].as_str() {
        Some("uniform") => uniform(count, number("low"), number("high"), stream),
        Some("normal") => {
            normals(count, stream).iter().map(|z| (number("mean") + number("std") * *z as f64) as f32).collect()
        }
        _ => vec![number("value") as f32; count],
    };
    Ok(Tensor::from_array((shape, values))?.into_dyn())
}

fn sizes(shape: &Value) -> Vec<i64> {
    shape.as_array().into_iter().flatten().filter_map(Value::as_i64).collect()
}

/// Bilinear along a row of pixels: each of `to` outputs takes two pixels around its centre.
fn resize(row: &[f64], to: usize) -> Vec<f64> {
    let place = |at: usize| {
        let centre = row.len() as f64 / to as f64 * (at as f64 + 0.5);
        let left = ((centre - 0.5).max(0.0) as usize).min(row.len() - 2);
        let [a, b] = [0, 1].map(|i| (1.0 - ((left + i) as f64 + 0.5 - centre).abs()).max(0.0));
        row[left] * (a / (a + b)) + row[left + 1] * (b / (a + b))
    };
    (0..to).map(place).collect()
}

/// A digit of 28x28 bytes as one of `size` x `size`.
fn resized(digit: &[u8], size: usize) -> Vec<u8> {
    let column = |x: usize| (0..28).map(|y| digit[28 * y + x] as f64).collect::<Vec<_>>();
    let tall: Vec<Vec<f64>> = (0..28).map(|x| resize(&column(x), size)).collect();
    let row = |y: usize| tall.iter().map(|column| column[y]).collect::<Vec<_>>();
    (0..size).flat_map(|y| resize(&row(y), size)).map(|value| (value + 0.5) as u8).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, mnist, steps, rest @ ..] = args.as_slice() else { return Err("train MODEL MNIST STEPS [SEED]".into()) };
    let seed = rest.first().map_or(Ok(0), |word| word.parse())?;
    let manifest: Value = serde_json::from_slice(&fs::read(Path::new(model).join("manifest.json"))?)?;
    let [channels, size] = ["channels", "height"].map(|key| manifest["image"][key].as_u64().unwrap_or(0) as usize);
    let pixels = &fs::read(Path::new(mnist).join("train-images-idx3-ubyte"))?[16..];
    let labels = &fs::read(Path::new(mnist).join("train-labels-idx1-ubyte"))?[8..];
    let tensors = manifest["state"].as_array().ok_or("manifest.json has no state")?;
    let stream = |purpose, index| Stream { seed, purpose, index };
    let mut state = Vec::new();
    for (index, tensor) in tensors.iter().enumerate() {
        let name = tensor["name"].as_str().ok_or("a tensor has no name")?;
        state.push((name.to_string(), initial(tensor, stream(INITIALISE, index as u64))?));
    }
    let file = manifest["graphs"]["training_step"]["file"].as_str().ok_or("no training_step")?;
    let mut session = Session::builder(&ort::init().build()?)?.commit_from_file(Path::new(model).join(file))?;
    let mut order = (u64::MAX, vec![]);
    for step in 1..=steps.parse::<usize>()? {
        let mut chosen = Vec::new();
        for place in (step - 1) * BATCH..step * BATCH {
            let epoch = (place / labels.len()) as u64;
            if order.0 != epoch {
                order = (epoch, permutation(labels.len(), stream(PERMUTE, epoch)));
            }
            chosen.push(order.1[place % labels.len()]);
        }
        let image = |&at: &usize| resized(&pixels[784 * at..784 * (at + 1)], size).repeat(channels);
        let most = manifest["schedule"]["T"].as_u64().ok_or("the schedule has no T")?;
        let timesteps = integers(1, &[most; BATCH], stream(TIMESTEP, step as u64));
        let timesteps: Vec<i32> = timesteps.into_iter().map(|t| t as i32).collect();
        let shape = [BATCH, channels, size, size];
        let noise = normals(shape.iter().product(), stream(NOISE, step as u64));
        let mut feeds = vec![
            (
                "images".to_string(),
                Tensor::from_array((shape, chosen.iter().flat_map(image).collect::<Vec<u8>>()))?.into_dyn(),
            ),
            ("timestep".to_string(), Tensor::from_array(([BATCH], timesteps))?.into_dyn()),
            ("noise".to_string(), Tensor::from_array((shape, noise))?.into_dyn()),
            ("learning_rate".to_string(), Tensor::from_array((Vec::<usize>::new(), vec![LEARNING_RATE]))?.into_dyn()),
        ];
        if manifest["classes"] != 0 {
            let named = chosen.iter().map(|&at| labels[at] as i32).collect::<Vec<_>>();
            feeds.push(("class_labels".to_string(), Tensor::from_array(([BATCH], named))?.into_dyn()));
        }
        feeds.append(&mut state);
        let mut outputs = session.run(feeds)?;
        println!("step {step} loss {}", outputs["loss"].try_extract_tensor::<f32>()?.1[0]);
        for tensor in tensors {
            let name = tensor["name"].as_str().unwrap_or_default();
            state.push((name.to_string(), outputs.remove(format!("{name}.next")).ok_or("a tensor has no successor")?));
        }
    }
    Ok(())
}
