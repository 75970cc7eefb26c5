/** The browser half of zipped.py. What a browser compresses comes as a promise, which is fine. */
const through = (content, stream) => new Response(new Blob([content]).stream().pipeThrough(stream));

export async function encode(value) {
  return through(JSON.stringify(value), new CompressionStream('deflate')).arrayBuffer();
}

export async function decode(frame) {
  return through(frame, new DecompressionStream('deflate')).json();
}
