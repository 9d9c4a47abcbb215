/**
 * A web server for static folders, with the headers that sampler-web's pages want: cross-origin isolation, which
 * WebAssembly's threads need, and a policy under which nothing is evaluated from text.
 */
import { createReadStream } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};
/**
 * What is packed. Weights and fonts get no smaller; a runtime of 14 MB does, but server and visitor are one machine here,
 * and reading it is faster than packing it.
 */
const PACKED = new Set([".css", ".html", ".js", ".mjs", ".json", ".onnx", ".svg"]);

const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy":
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; img-src 'self' data: blob:; " +
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  // Files change while one works on them; unchanged ones are not sent again.
  "cache-control": "no-cache",
};

/** Fast rather than small: the first visit waits for it. */
const brotli = (bytes) =>
  promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
const ENCODINGS = { br: brotli, gzip: promisify(gzip) };

/**
 * Serves folders.
 *
 * @param folders by the beginning of their addresses, such as "/models/"; the longest that fits is taken.
 * @param port the first to try; the next nine are tried where it is taken.
 * @returns the address, and what ends it.
 */
export async function serve(folders, port) {
  const packed = new Map();
  const server = createServer((request, response) => {
    answer(folders, packed, request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  const found = await listen(server, port);
  return {
    url: `http://localhost:${found}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Listens at the first port that is free. @throws Error if ten in a row are taken, or the port is not to be had. */
async function listen(server, first) {
  // 0 lets the system choose.
  const last = first === 0 ? 0 : Math.min(first + 9, 65535);
  for (let port = first; port <= last; port++) {
    const error = await new Promise((resolve) => {
      server.once("error", resolve);
      server.listen(port, "localhost", () => {
        server.off("error", resolve);
        resolve(undefined);
      });
    });
    if (error === undefined) return server.address().port;
    if (error.code !== "EADDRINUSE")
      throw new Error(`port ${port}: ${error.message}; give another with --port`);
  }
  throw new Error(`port: ${first} to ${last} are taken, expected a free one; give another with --port`);
}

async function answer(folders, packed, request, response) {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  if (request.method !== "GET" && request.method !== "HEAD") {
    return response.writeHead(405, { allow: "GET, HEAD" }).end();
  }
  const file = await find(folders, request.url);
  if (file === undefined) return response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");

  const { size, mtimeMs } = await stat(file);
  const extension = path.extname(file);
  response.setHeader("content-type", TYPES[extension] ?? "application/octet-stream");
  response.setHeader("vary", "accept-encoding");
  const encoding = PACKED.has(extension) ? acceptedEncoding(request) : undefined;
  const tag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}${encoding ? `-${encoding}` : ""}"`;
  response.setHeader("etag", tag);
  if (request.headers["if-none-match"] === tag) return response.writeHead(304).end();
  if (encoding === undefined) {
    response.setHeader("content-length", size);
    if (request.method === "HEAD") return response.end();
    return createReadStream(file)
      .on("error", () => response.destroy())
      .pipe(response);
  }
  response.setHeader("content-encoding", encoding);
  const key = `${file} ${tag}`;
  if (!packed.has(key)) packed.set(key, readFile(file).then(ENCODINGS[encoding]));
  const bytes = await packed.get(key);
  response.setHeader("content-length", bytes.length);
  response.end(request.method === "HEAD" ? undefined : bytes);
}

function acceptedEncoding({ headers }) {
  const accepted = String(headers["accept-encoding"] ?? "")
    .split(",")
    .map((part) => part.split(";")[0].trim());
  return Object.keys(ENCODINGS).find((name) => accepted.includes(name));
}

/** The file of an address; undefined where there is none in the folders, or it lies outside. */
async function find(folders, url) {
  let pathname;
  try {
    pathname = decodeURIComponent(url.split(/[?#]/)[0]);
  } catch {
    return undefined;
  }
  if (pathname.includes("\0")) return undefined;
  const beginnings = Object.keys(folders).sort((a, b) => b.length - a.length);
  const beginning = beginnings.find((each) => pathname.startsWith(each));
  if (beginning === undefined) return undefined;
  try {
    const folder = await realpath(folders[beginning]);
    const wanted = path.join(folder, pathname.slice(beginning.length));
    const file = await realpath(
      (await stat(wanted)).isDirectory() ? path.join(wanted, "index.html") : wanted,
    );
    return file.startsWith(folder + path.sep) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}
