import { lookup } from "node:dns";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type DownloadOptions, download, type Mirror } from "../../src/download/index.js";
import { drip, pour } from "../support/endless-writes.js";
import { expectNothingLeft, OPTIONS, rawServer, reply, resources } from "./servers.js";
import { makeIdentity, serveTls } from "./tls-server.js";

vi.mock("node:dns", { spy: true });

const DOCUMENT = Buffer.from("network-status-version 3\n".repeat(2000));
const identity = makeIdentity("DNS:dir.example", "IP:127.0.0.1");
const other = makeIdentity("DNS:other.example");
const TRUSTING = { ...OPTIONS, ca: identity.cert };

let before: string[];
beforeEach(() => {
  before = resources();
});
// Each test ends with no socket and no time-out left, on both sides.
afterEach(() => expectNothingLeft(before));

/** A server that speaks TLS, and then does this with the request. */
async function tlsServer(serve: (inside: Socket, request: string) => unknown, as = identity) {
  const names: (string | false | null)[] = [];
  const server = await rawServer((socket, first) => {
    const inside = serveTls(socket, Buffer.from(first, "latin1"), as);
    inside.once("data", (request) => {
      names.push(inside.servername);
      serve(inside, request.toString("latin1"));
    });
  });
  return { ...server, names, mirror: { ...server.mirror, isTls: true } };
}

/** A SOCKS proxy that takes every server for the one behind `serve`. */
function tlsProxy(serve: (inside: Socket, request: string) => unknown, as = identity) {
  return rawServer((socket) => {
    socket.write(Buffer.from("0500", "hex"));
    socket.once("data", () => {
      socket.write(Buffer.from("05000001000000000000", "hex"));
      socket.once("data", (hello) => {
        const inside = serveTls(socket, hello, as);
        inside.once("data", (request) => serve(inside, request.toString("latin1")));
      });
    });
  });
}

async function failure(mirror: Mirror, options: Partial<DownloadOptions> = {}): Promise<string> {
  const error = await download(mirror, "/x", { ...TRUSTING, ...options }).then(
    () => expect.unreachable(),
    (reason) => reason,
  );
  expect(error).toMatchObject({ code: "LEEK_DOWNLOAD_FAILED", kind: "unavailable" });
  return error.message.slice(error.message.indexOf("): ") + 3);
}

describe("a download over TLS", () => {
  it("takes the document of a server whose certificate fits its address", async () => {
    let asked = "";
    const server = await tlsServer((inside, request) => {
      asked = request;
      inside.end(reply({ "Content-Encoding": "gzip" }, gzipSync(DOCUMENT)));
    });
    const { bytes } = await download(server.mirror, "/x", TRUSTING);
    expect(bytes.equals(DOCUMENT)).toBe(true);
    expect(asked).toBe(
      `GET /x HTTP/1.1\r\nAccept-Encoding: deflate, gzip, identity\r\nHost: 127.0.0.1:${server.port}\r\nConnection: close\r\n\r\n`,
    );
    expect(server.received[0]!.includes("GET")).toBe(false);
    // RFC 6066: addresses are not named.
    expect(server.names).toEqual([false]);
  });

  it("names the host to the proxy and in TLS, and looks nothing up", async () => {
    let asked = "";
    let name: unknown;
    const proxy = await tlsProxy((inside, request) => {
      asked = request;
      name = (inside as Socket & { servername: unknown }).servername;
      inside.end(reply({ "Content-Length": "2" }, "ok"));
    });
    vi.mocked(lookup).mockClear();
    const mirror = { address: "dir.example", port: 443, name: "m", isTls: true };
    const options = { ...TRUSTING, proxy: { host: "127.0.0.1", port: proxy.port } };
    expect((await download(mirror, "/x", options)).bytes.toString()).toBe("ok");
    expect(proxy.received[0]!.toString("latin1")).toContain("\x03\x0bdir.example\x01\xbb");
    expect(asked).toContain("\r\nHost: dir.example\r\n");
    expect(name).toBe("dir.example");
    expect(lookup).not.toHaveBeenCalled();
  });

  it.each([
    ["nobody vouches for", identity, { ca: other.cert }, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["is for another", other, { ca: other.cert }, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ])("refuses a certificate that %s, and asks nothing then", async (_, as, options, code) => {
    const asked: string[] = [];
    const server = await tlsServer((_, request) => asked.push(request), as);
    expect(await failure(server.mirror, options)).toBe(`its certificate is not to be trusted (${code}).`);
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    try {
      expect(await failure(server.mirror, options)).toBe(`its certificate is not to be trusted (${code}).`);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(asked).toEqual([]);
  });

  it.each([
    ["speaks HTTP", (socket: Socket) => socket.end("HTTP/1.0 400 Bad\r\n\r\n"), /^it does not speak TLS as it should/],
    ["closes", (socket: Socket) => socket.end(), /^it broke off the connection/],
    ["resets", (socket: Socket) => socket.resetAndDestroy(), /^it broke off the connection/],
    ["says nothing", () => {}, /^it did not agree on TLS within 0\.3 s/],
    ["sends garbage for ever", (socket: Socket) => pour(socket, "garbage"), /^it does not speak TLS as it should/],
  ])("is not stopped by a server that %s", async (_, serve, reason) => {
    const server = await rawServer(serve);
    expect(await failure({ ...server.mirror, isTls: true }, { connectTimeoutMs: 300 })).toMatch(reason);
  });

  it.each([
    [
      "falls silent",
      (inside: Socket) => inside.write("HTTP/1.1 200 OK\r\n"),
      { idleTimeoutMs: 300 },
      "it sent nothing for 0.3 s.",
    ],
    [
      "drips",
      (inside: Socket) => drip(inside, "x", 20),
      { totalTimeoutMs: 400 },
      /^it was not done within 0\.4 s\.$|^its answer is no valid HTTP\.$/,
    ],
    [
      "sends for ever",
      (inside: Socket) => pour(Object.assign(inside, {}), reply({}, "x".repeat(10_000))),
      {},
      /^its answer is larger than|^it sent more than/,
    ],
    [
      "breaks off",
      (inside: Socket) => inside.write(reply({ "Content-Length": "99" }, "x"), () => inside.destroy()),
      {},
      "it broke off in the middle of the document.",
    ],
  ])("holds to its limits with a server that %s", async (_, serve, options, reason) => {
    const server = await tlsServer(serve);
    expect(await failure(server.mirror, options)).toEqual(
      typeof reason === "string" ? reason : expect.stringMatching(reason),
    );
  });

  it("ends at once when the caller wants no more, in the handshake too", async () => {
    const stop = new AbortController();
    const server = await rawServer(() => stop.abort());
    const mirror = { ...server.mirror, isTls: true };
    await expect(download(mirror, "/x", { ...TRUSTING, signal: stop.signal })).rejects.toMatchObject({
      name: "AbortError",
    });
  });

  it("tells a document that is not there from a server that failed", async () => {
    const server = await tlsServer((inside) => inside.end("HTTP/1.0 404 Not Found\r\n\r\n"));
    await expect(download(server.mirror, "/x", TRUSTING)).rejects.toMatchObject({ code: "LEEK_DOWNLOAD_NOT_FOUND" });
  });
});
