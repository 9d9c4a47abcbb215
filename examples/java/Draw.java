import ai.onnxruntime.*;
import java.nio.file.*;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Ten digits from one file: java -cp onnxruntime-1.29.0.jar Draw.java sampler.onnx images (uint8 [10, 32, 32, 3])
 *
 * <p>Made by: trainer export --model runs/unet-cond/model --as sampler --steps 50
 */
class Draw {
  public static void main(String[] files) throws OrtException, java.io.IOException {
    var runtime = OrtEnvironment.getEnvironment();
    var sampler = runtime.createSession(files[0]);
    var seed = OnnxTensor.createTensor(runtime, 0L);
    var labels = OnnxTensor.createTensor(runtime, IntStream.range(0, 10).toArray());
    var outputs = sampler.run(Map.of("seed", seed, "class_labels", labels));
    var images = ((OnnxTensor) outputs.get("images").orElseThrow()).getByteBuffer();
    var pixels = new byte[images.remaining()];
    images.get(pixels);
    Files.write(Path.of(files[1]), pixels);
  }
}
