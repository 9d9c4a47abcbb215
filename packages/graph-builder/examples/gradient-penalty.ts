/**
 * The critic of a Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, algorithm 1) as one training graph: its
 * loss has a gradient in it, and the loss's own gradient by the weights goes through that.
 */
import {
  add,
  buildModel,
  Collector,
  conv2d,
  gradients,
  input,
  linear,
  type Model,
  max,
  mul,
  native,
  type Params,
  reduceMean,
  reduceSum,
  reshape,
  sqrt,
  sub,
  type Tensor,
} from "@onnx-diffusion/graph-builder";

const leakyRelu = (x: Tensor): Tensor => max(x, mul(x, 0.2));

/** How real images [N,C,H,W] look: [N,1]. No batch norm, as the penalty holds for each image by itself. */
export function critic(p: Params, images: Tensor): Tensor {
  let x = images;
  for (const [i, channels] of [8, 16].entries())
    x = leakyRelu(conv2d(p.at(`conv${i + 1}`), x, { channels, kernel: 4, stride: 2, pad: 1 }));
  // [N,16,2,2]
  return linear(p.at("out"), reshape(x, [x.shape[0]!, 64]), { features: 1 });
}

/** mean of (|d critic / d x| - 1)^2 at x = mix * real + (1 - mix) * fake, mix [N,1,1,1] in 0..1 */
export function gradientPenalty(p: Params, real: Tensor, fake: Tensor, mix: Tensor): Tensor {
  const x = add(mul(mix, real), mul(sub(1, mix), fake));
  // Each score depends on its own image alone, so the gradient of their sum holds every image's.
  const [slope] = gradients(reduceSum(critic(p, x)), [x]);
  const norm = sqrt(reduceSum(mul(slope!, slope!), { axes: [1, 2, 3] }));
  const excess = sub(norm, 1);
  return reduceMean(mul(excess, excess));
}

/** Parameters, images and mixtures -> `loss`, `penalty` and `<parameter>_grad`. */
export function criticModel(weight = 10): Model {
  const collector = new Collector({ training: true, lowering: native });
  const [real, fake] = ["real", "fake"].map((name) => input(name, "float32", ["batch", 1, 8, 8]));
  const mix = input("mix", "float32", ["batch", 1, 1, 1]);
  const p = collector.root;
  const penalty = gradientPenalty(p, real!, fake!, mix);
  const distance = sub(reduceMean(critic(p, fake!)), reduceMean(critic(p, real!)));
  const loss = add(distance, mul(penalty, weight));
  const parameters = [...collector.tensors];
  const grads = gradients(
    loss,
    parameters.map(([, t]) => t),
  );
  return buildModel({
    name: "critic",
    inputs: [...parameters.map(([, t]) => t), real!, fake!, mix],
    outputs: {
      loss,
      penalty,
      ...Object.fromEntries(parameters.map(([name], i) => [`${name}_grad`, grads[i]!])),
    },
  });
}
