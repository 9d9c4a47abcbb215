"""Ten digits from one file:  python draw.py sampler.onnx digits.npy

Made by: trainer export --model runs/unet-cond/model --as sampler --steps 50"""

import sys

import numpy as np
import onnxruntime as ort

sampler = ort.InferenceSession(sys.argv[1])
labels = np.arange(10, dtype=np.int32)
(images,) = sampler.run(None, {"seed": np.array(0, np.int64), "class_labels": labels})
np.save(sys.argv[2], images)  # uint8 [10, 32, 32, 3]
