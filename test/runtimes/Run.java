import ai.onnxruntime.*;
import java.nio.*;
import java.nio.file.*;
import java.util.*;

/**
 * Runs a model with ONNX Runtime for Java: Run.java MODEL FEEDS OUTPUT FILE
 *
 * <p>FEEDS is a folder with feeds.txt, a line for each input: name, type, sizes ("-" for none), file. Writes the bytes of
 * OUTPUT to FILE and prints the milliseconds of the best run in a second after that.
 */
class Run {
  public static void main(String[] args) throws Exception {
    var runtime = OrtEnvironment.getEnvironment();
    var feeds = new HashMap<String, OnnxTensor>();
    for (var line : Files.readAllLines(Path.of(args[1], "feeds.txt"))) {
      var words = line.split(" ");
      long[] shape =
          words[2].equals("-")
              ? new long[0]
              : Arrays.stream(words[2].split(",")).mapToLong(Long::parseLong).toArray();
      var bytes = Files.readAllBytes(Path.of(args[1], words[3]));
      var buffer = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder());
      buffer.put(bytes).flip();
      var type =
          switch (words[1]) {
            case "float32" -> OnnxJavaType.FLOAT;
            case "int32" -> OnnxJavaType.INT32;
            case "int64" -> OnnxJavaType.INT64;
            case "uint8" -> OnnxJavaType.UINT8;
            default -> throw new IllegalArgumentException("no such type here: " + words[1]);
          };
      feeds.put(words[0], OnnxTensor.createTensor(runtime, buffer, shape, type));
    }
    try (var session = runtime.createSession(args[0])) {
      var wanted = Set.of(args[2]);
      try (var outputs = session.run(feeds, wanted)) {
        var values = ((OnnxTensor) outputs.get(args[2]).orElseThrow()).getByteBuffer();
        var bytes = new byte[values.remaining()];
        values.get(bytes);
        Files.write(Path.of(args[3]), bytes);
      }
      long start = System.nanoTime(), best = Long.MAX_VALUE;
      do {
        var begin = System.nanoTime();
        session.run(feeds, wanted).close();
        best = Math.min(best, System.nanoTime() - begin);
      } while (System.nanoTime() - start < 1e9);
      System.out.println(best / 1e6);
    }
  }
}
