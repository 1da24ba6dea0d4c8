// A program with sockets, in a network namespace of a test; see wire-lab.ts. Each message is one thing to do.
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";

/** @type {import("node:net").Socket[]} */
const open = [];

/** @type {Record<string, (settings: any) => Promise<object>>} */
const tasks = {
  /** Takes connections, and sends back what comes. */
  serveTcp: ({ port }) =>
    new Promise((resolve) => {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.pipe(socket);
      });
      server.listen(port, "0.0.0.0", () => resolve({}));
    }),
  /** Answers each datagram with `hex`, whose first `keep` bytes are the question's. */
  serveUdp: ({ port, hex = "", keep = 0 }) =>
    new Promise((resolve) => {
      const socket = createSocket("udp4");
      socket.on("message", (question, { port: from, address }) => {
        socket.send(Buffer.concat([question.subarray(0, keep), Buffer.from(hex, "hex")]), from, address);
      });
      socket.bind(port, () => resolve({}));
    }),
  /** Connects, and waits until its text has come back. The connection stays open, unless it is to end with a reset. */
  connect: ({ address, port, text = "hello", localPort, reset = false }) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: address, port, localPort }, () => socket.write(text));
      socket.once("data", () => {
        const answer = { port: socket.localPort };
        if (reset) socket.resetAndDestroy();
        else open.push(socket);
        resolve(answer);
      });
      socket.once("error", reject);
    }),
  /** Ends the connections, and waits until the other side has ended them too. */
  hangUp: async () => {
    for (const socket of open.splice(0)) {
      await new Promise((resolve) => {
        socket.once("close", resolve);
        socket.end();
      });
    }
    return {};
  },
  /** Sends datagrams, `gapMs` apart. */
  send: async ({ address, port, text = "hello", hex, count = 1, gapMs = 0 }) => {
    const socket = createSocket("udp4");
    /** @type {number[]} */
    const at = [];
    const payload = hex === undefined ? Buffer.from(text) : Buffer.from(hex, "hex");
    for (let i = 0; i < count; i++) {
      at.push(Date.now());
      await new Promise((resolve) => socket.send(payload, port, address, resolve));
      if (gapMs > 0) await new Promise((resolve) => setTimeout(resolve, gapMs));
    }
    const { port: from } = socket.address();
    socket.close();
    return { at, port: from };
  },
};

process.on("message", async (/** @type {any} */ { id, task, ...settings }) => {
  try {
    process.send?.({ id, result: await tasks[task]?.(settings) });
  } catch (error) {
    process.send?.({ id, error: String(error) });
  }
});
process.on("disconnect", () => process.exit());
process.send?.({ id: 0, result: {} });
