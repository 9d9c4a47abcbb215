//! Ten digits from one file:  draw SAMPLER.onnx IMAGES   (IMAGES: uint8 [10, 32, 32, 3])
//!
//! Made by: trainer export --model runs/unet-cond/model --as sampler --steps 50
use ort::{session::Session, value::Tensor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [model, out] = [1, 2].map(|i| std::env::args().nth(i).expect("draw SAMPLER.onnx IMAGES"));
    let mut sampler = Session::builder(&ort::init().build()?)?.commit_from_file(model)?;
    let seed = Tensor::from_array((Vec::<usize>::new(), vec![0i64]))?;
    let labels = Tensor::from_array(([10usize], (0..10i32).collect::<Vec<_>>()))?;
    let outputs = sampler.run(ort::inputs! { "seed" => seed, "class_labels" => labels })?;
    std::fs::write(out, outputs["images"].try_extract_tensor::<u8>()?.1)?;
    Ok(())
}
