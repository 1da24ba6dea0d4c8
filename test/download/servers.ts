import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { DownloadOptions, Mirror } from "../../src/download/index.js";

export const OPTIONS: DownloadOptions = {
  connectTimeoutMs: 5000,
  idleTimeoutMs: 5000,
  totalTimeoutMs: 10_000,
  maxBytes: 1_000_000,
  maxWireBytes: 1_000_000,
};

export interface RawServer {
  readonly port: number;
  readonly mirror: Mirror;
  /** What clients sent, one text for each connection. */
  readonly received: Buffer[];
  readonly connections: number;
}

const open = new Map<Server, Set<Socket>>();

/** A server on 127.0.0.1 that does what `serve` does, for each connection once its first bytes are here. */
export async function rawServer(serve: (socket: Socket, request: string) => unknown): Promise<RawServer> {
  const received: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const index = received.push(Buffer.alloc(0)) - 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("end", () => socket.destroy());
    socket.on("data", (data) => {
      received[index] = Buffer.concat([received[index]!, data]);
    });
    socket.once("data", (data) => serve(socket, data.toString("latin1")));
  });
  open.set(server, sockets);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const { port } = address;
  const mirror = { address: "127.0.0.1", port, name: "testmirror" };
  return {
    port,
    mirror,
    received,
    get connections() {
      return received.length;
    },
  };
}

/** A server that gives every client these bytes and closes. */
export function answering(...parts: readonly (string | Uint8Array)[]): Promise<RawServer> {
  return rawServer((socket) => {
    socket.end(Buffer.concat(parts.map((part) => Buffer.from(part as Uint8Array))));
  });
}

/** A 200 with these headers and this body. */
export function reply(headers: Readonly<Record<string, string>>, body: string | Uint8Array): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.0 200 OK\r\n${lines.join("")}\r\n`), Buffer.from(body as Uint8Array)]);
}

// vitest has kept the functions of before for itself, so these are the timers of the code under test, and of tests.
const timers = new Set<unknown>();
const { setTimeout: start, clearTimeout: clear } = globalThis;
globalThis.setTimeout = ((callback: () => void, timeoutMs?: number) => {
  const timer = start(() => {
    timers.delete(timer);
    callback();
  }, timeoutMs);
  timers.add(timer);
  return timer;
}) as typeof setTimeout;
globalThis.clearTimeout = (timer) => {
  timers.delete(timer);
  clear(timer);
};

/** The sockets and unpackers of this process now. */
export function resources(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => /TCP|ZLIB|GETADDRINFO/i.test(name))
    .sort();
}

/** Shuts all servers, and then finds nothing that was not there before. */
export async function expectNothingLeft(before: readonly string[]): Promise<void> {
  for (const [server, sockets] of open) {
    // A client that went away leaves no socket here; one that is still there is a leak of the client's.
    for (let waited = 0; sockets.size > 0 && waited < 100; waited += 1) await sleep(10);
    const left = sockets.size;
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    open.delete(server);
    expect(left).toBe(0);
  }
  for (let waited = 0; waited < 100 && resources().join() !== before.join(); waited += 1) await sleep(10);
  expect(resources()).toEqual(before);
  expect(timers.size).toBe(0);
}
