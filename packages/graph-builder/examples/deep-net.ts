/** A deeper network for larger batches: `graph-builder emit packages/graph-builder/examples/deep-net.ts` */
import {
  add,
  batchNorm2d,
  checkpoint,
  conv2d,
  defineNetwork,
  type Params,
  relu,
  type Tensor,
} from "@onnx-diffusion/graph-builder";

export default defineNetwork({
  name: "deep-net",
  description: "residual blocks, each computed again in the backward pass",
  options: { channels: 32, blocks: 8, recompute: true },
  shape: () => ({}),
  forward(p, { sample }, { channels, blocks, recompute }) {
    const conv = { channels, kernel: 3, pad: 1, bias: false };
    const residual = (q: Params) => (x: Tensor) =>
      relu(add(x, batchNorm2d(q.at("bn"), conv2d(q.at("conv"), x, conv))));
    let x = conv2d(p.at("in"), sample, conv);
    for (let i = 1; i <= blocks; i++) {
      const block = residual(p.at(`block${i}`));
      x = (recompute ? checkpoint(block) : block)(x);
    }
    return conv2d(p.at("out"), x, { channels: 3, kernel: 3, pad: 1 });
  },
});
