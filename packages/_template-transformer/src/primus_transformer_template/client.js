/**
 * The browser half: one WebSocket. An ES module without imports.
 *
 * It is called for each attempt to connect. `wire` takes what happens: `onopen()`,
 * `onmessage(frame)`, `onerror(reason)` and, once, `onclose(details)`.
 */
export default function connect(wire) {
  const socket = new WebSocket(wire.uri({ protocol: 'ws:', query: true }));

  socket.binaryType = 'arraybuffer';
  socket.onopen = () => wire.onopen();
  socket.onmessage = (event) => wire.onmessage(event.data);
  socket.onerror = () => wire.onerror('The WebSocket failed');
  socket.onclose = (event) => wire.onclose({ code: event.code, reason: event.reason });
  return {
    socket,
    send: (frame) => socket.send(frame),
    close: () => socket.close()
  };
}
