import { createServer, connect as netConnect, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { TcpAddress } from "../../src/tor-control/index.js";

const open = new Map<Server, Set<Socket>>();

export interface FakeTor {
  readonly where: TcpAddress;
  /** The commands of all clients, in order. */
  readonly commands: string[];
}

/** A reply, or what to do with the client instead. */
export type Answer = string | ((socket: Socket, command: string) => unknown);

export const NULL_AUTH = '250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.8.1"\r\n250 OK\r\n';
export const OK = "250 OK\r\n";

/** A server on 127.0.0.1 that gives each command the answer of its longest matching beginning. */
export async function fakeTor(script: Readonly<Record<string, Answer>>): Promise<FakeTor> {
  const answers: Readonly<Record<string, Answer>> = {
    PROTOCOLINFO: NULL_AUTH,
    AUTHENTICATE: OK,
    QUIT: "250 closing connection\r\n",
    "": '510 Unrecognized command ""\r\n',
    ...script,
  };
  const starts = Object.keys(answers).sort((a, b) => b.length - a.length);
  const commands: string[] = [];
  const where = await listen((socket) => {
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      const lines = text.split("\r\n");
      text = lines.pop() ?? "";
      for (const command of lines) {
        commands.push(command);
        const answer = answers[starts.find((start) => command.startsWith(start))!]!;
        if (typeof answer === "string") socket.write(answer, "latin1");
        else answer(socket, command);
      }
    });
  });
  return { where, commands };
}

/** A server on 127.0.0.1. */
export async function listen(serve: (socket: Socket) => unknown): Promise<TcpAddress> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    // Otherwise one that does not listen would not notice that the client left.
    socket.resume();
    serve(socket);
  });
  open.set(server, sockets);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { host: "127.0.0.1", port: address.port };
}

/** Stands between leek and a tor and changes what tor says. */
export function proxyTo(tor: TcpAddress, change: (text: string) => string): Promise<TcpAddress> {
  return listen((socket) => {
    const upstream = netConnect(tor.port, tor.host);
    upstream.on("error", () => {});
    socket.pipe(upstream);
    upstream.on("data", (data) => socket.write(change(data.toString("latin1")), "latin1"));
    upstream.on("close", () => socket.destroy());
    socket.on("close", () => upstream.destroy());
  });
}

/** Waits until the clients are gone and all that they sent is here. */
export async function clientsGone(): Promise<void> {
  for (const sockets of open.values()) {
    for (let waited = 0; sockets.size > 0 && waited < 300; waited++) await sleep(10);
  }
}

/** Shuts all servers. A client that went away leaves no socket here; one that is still there is a leak of the client's. */
export async function expectNoClientLeft(): Promise<void> {
  await clientsGone();
  const left: number[] = [];
  for (const [server, sockets] of open) {
    left.push(sockets.size);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
  open.clear();
  expect(left.filter((count) => count > 0)).toEqual([]);
}
