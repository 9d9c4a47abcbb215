/** A network with attention that is told the timestep: docs/own-network.md. */
import {
  add,
  conv2d,
  convTranspose2d,
  defineNetwork,
  embedding,
  groupNorm,
  linear,
  multiHeadAttention,
  reshape,
  silu,
  sirenEmbedding,
  transpose,
} from "@onnx-diffusion/graph-builder";

export default defineNetwork({
  name: "attention-net",
  description: "8x8 patches' features attend to each other",
  options: { features: 32, heads: 4, classes: 10, steps: 400 },
  shape: ({ classes }) => ({ classes, timestep: true }),
  forward(p, { sample, timestep, classLabels }, { features, heads, classes, steps }) {
    const batch = sample.shape[0]!;
    const patches = conv2d(p.at("patch"), sample, { channels: features, kernel: 4, stride: 4 });
    const waves = sirenEmbedding(p.at("time"), timestep!, { features, steps });
    const time = linear(p.at("time.out"), waves, { features });
    const label = embedding(p.at("label"), classLabels!, { count: classes, features });
    const told = add(patches, reshape(add(time, label), [batch, features, 1, 1]));
    const normal = silu(groupNorm(p.at("norm"), told, { groups: 4 }));
    // [N, C, 8, 8] -> [N, 64, C]: a sequence of pixels
    const sequence = transpose(reshape(normal, [batch, features, 64]), [0, 2, 1]);
    const attended = multiHeadAttention(p.at("attention"), sequence, { heads });
    const image = reshape(transpose(attended, [0, 2, 1]), [batch, features, 8, 8]);
    return convTranspose2d(p.at("out"), add(told, image), { channels: 3, kernel: 4, stride: 4 });
  },
});
