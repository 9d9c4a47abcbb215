export * from "./errors.js";
export * from "./image-noise.js";
export * from "./manifest.js";
export * from "./normal.js";
export * from "./philox.js";
export * from "./stream.js";
