/** A program with sockets, for a test in its namespaces: each message is [word, host, port], and each answer a port. */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";

/** @type {import("node:net").Socket[]} */
const connections = [];
/** @type {Record<string, (host: string, port: number) => Promise<number>>} */
const WORDS = {
  listen: (host) =>
    new Promise((resolve) => {
      const server = createServer((socket) => socket.resume()).listen(0, host, () =>
        resolve(/** @type {import("node:net").AddressInfo} */ (server.address()).port),
      );
    }),
  connect: (host, port) =>
    new Promise((resolve) => {
      const socket = connect(port, host, () => resolve(socket.localPort ?? 0));
      connections.push(socket);
    }),
  /** The last connection, also in the hands of another program. */
  share: async () => {
    spawn("sleep", ["60"], { stdio: ["ignore", "ignore", "ignore", connections.at(-1)] });
    return 0;
  },
  hangUp: () =>
    new Promise((resolve) => {
      const socket = connections.pop();
      socket?.once("close", () => resolve(0)).end();
    }),
  bindUdp: (host) =>
    new Promise((resolve) => {
      const socket = createSocket("udp4").bind(0, host, () => resolve(socket.address().port));
    }),
  connectUdp: (host, port) =>
    new Promise((resolve) => {
      const socket = createSocket("udp4");
      socket.connect(port, host, () => resolve(socket.address().port));
    }),
};

process.on("message", async (message) => {
  const [word, host, port] = /** @type {[string, string, number]} */ (message);
  process.send?.(await WORDS[word]?.(host, port));
});
process.on("disconnect", () => process.exit());
process.send?.(0);
