/** A network of one's own: `graph-builder emit packages/graph-builder/examples/my-net.ts --out models/my-net` */
import {
  batchNorm2d,
  classPlanes,
  concat,
  conv2d,
  convTranspose2d,
  defineNetwork,
  relu,
} from "@onnx-diffusion/graph-builder";

export default defineNetwork({
  name: "my-net",
  description: "one level down, one level up, class planes in between",
  options: { channels: 32, classes: 10 },
  shape: ({ classes }) => ({ classes }),
  forward(p, { sample, classLabels }, { channels, classes }) {
    const halved = conv2d(p.at("down.conv"), sample, { channels, kernel: 4, stride: 2, pad: 1, bias: false });
    const down = relu(batchNorm2d(p.at("down.bn"), halved));
    const planes = classPlanes(classLabels!, classes, [16, 16]);
    const middle = relu(conv2d(p.at("middle"), concat([down, planes], 1), { channels, kernel: 3, pad: 1 }));
    const up = convTranspose2d(p.at("up"), middle, { channels, kernel: 4, stride: 2, pad: 1 });
    return conv2d(p.at("out"), concat([relu(up), sample], 1), { channels: 3, kernel: 1 });
  },
});
