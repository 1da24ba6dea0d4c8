import { getEventListeners } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { Worker } from "node:worker_threads";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DownloadOptions, download, type Mirror } from "../../src/download/index.js";
import { drip, pour } from "../support/endless-writes.js";
import { answering, expectNothingLeft, OPTIONS, rawServer, reply, resources } from "./servers.js";

const DOCUMENT = Buffer.from("network-status-version 3\n".repeat(2000));
const PATH = "/tor/status-vote/current/consensus";

let before: string[];
beforeEach(() => {
  before = resources();
});
// Each test ends with no socket, no time-out and no unpacker left, on both sides.
afterEach(() => expectNothingLeft(before));

/** What is said when it fails. */
async function failure(mirror: Mirror, options: Partial<DownloadOptions> = {}): Promise<string> {
  const error = await download(mirror, PATH, { ...OPTIONS, ...options }).then(
    () => undefined,
    (reason) => reason,
  );
  const code = /\(404\b[^)]*\)\.$/.test(error.message) ? "LEEK_DOWNLOAD_NOT_FOUND" : "LEEK_DOWNLOAD_FAILED";
  expect(error).toMatchObject({ code, kind: "unavailable", hint: expect.any(String) });
  const start = `Cannot fetch ${PATH} from testmirror (127.0.0.1:${mirror.port}): `;
  expect(error.message.startsWith(start)).toBe(true);
  return error.message.slice(start.length);
}

describe("a download", () => {
  it("asks like anybody else", async () => {
    const server = await answering(reply({}, "x"));
    await download(server.mirror, PATH, OPTIONS);
    expect(server.received[0]!.toString()).toBe(
      `GET ${PATH} HTTP/1.1\r\nAccept-Encoding: deflate, gzip, identity\r\nHost: 127.0.0.1:${server.port}\r\nConnection: close\r\n\r\n`,
    );
  });

  it.each([
    ["identity", "identity", DOCUMENT],
    ["Identity", "identity", DOCUMENT],
    ["deflate", "deflate", deflateSync(DOCUMENT)],
    ["gzip", "gzip", gzipSync(DOCUMENT)],
    ["X-GZIP", "gzip", gzipSync(DOCUMENT)],
    ["gzip", "gzip", Buffer.concat([gzipSync(DOCUMENT.subarray(0, 100)), gzipSync(DOCUMENT.subarray(100))])],
  ])("unpacks %s", async (label, contentEncoding, body) => {
    const date = "Wed, 01 Jul 2026 12:00:05 GMT";
    const server = await answering(reply({ "Content-Encoding": label, Date: date }, body));
    const progress: (number | undefined)[][] = [];
    const result = await download(server.mirror, PATH, { ...OPTIONS, onProgress: (...args) => progress.push(args) });
    expect(result.bytes.equals(DOCUMENT)).toBe(true);
    expect(result).toMatchObject({
      contentEncoding,
      mirror: server.mirror,
      date: Date.UTC(2026, 6, 1, 12, 0, 5) / 1000,
    });
    expect(progress.at(-1)).toEqual([body.length, undefined]);
  });

  it("takes what comes in chunks, however small", async () => {
    const chunks = [...deflateSync(DOCUMENT)].map((byte) => [
      Buffer.from("1\r\n"),
      Buffer.of(byte),
      Buffer.from("\r\n"),
    ]);
    const server = await answering(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: deflate\r\n\r\n",
      ...chunks.flat(),
      "0\r\n\r\n",
    );
    expect((await download(server.mirror, PATH, OPTIONS)).bytes.equals(DOCUMENT)).toBe(true);
  });

  it("ends with the Content-Length, though the server keeps the connection", async () => {
    const server = await rawServer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: ${DOCUMENT.length}\r\n\r\n`);
      socket.write(DOCUMENT);
    });
    const progress: (number | undefined)[] = [];
    const options = { ...OPTIONS, onProgress: (_: number, total: number | undefined) => progress.push(total) };
    expect((await download(server.mirror, PATH, options)).bytes.equals(DOCUMENT)).toBe(true);
    expect(progress[0]).toBe(DOCUMENT.length);
  });

  it.each([
    ["an empty document", reply({ "Content-Length": "0" }, ""), ""],
    ["no more than the Content-Length", reply({ "Content-Length": "3" }, "abcdef"), "abc"],
    ["an answer after an interim one", Buffer.concat([Buffer.from("HTTP/1.1 103 Early\r\n\r\n"), reply({}, "x")]), "x"],
  ])("takes %s", async (_, bytes, text) => {
    const server = await answering(bytes);
    expect((await download(server.mirror, PATH, OPTIONS)).bytes.toString()).toBe(text);
  });

  it.each(["yesterday", "2026-07-01", "Wed, 99 Jul 2026 12:00:05 GMT"])("leaves out the date %s", async (date) => {
    const server = await answering(reply({ Date: date }, "x"));
    expect(await download(server.mirror, PATH, OPTIONS)).not.toHaveProperty("date");
  });

  it("takes a document of just the largest size", async () => {
    const server = await answering(reply({ "Content-Encoding": "gzip" }, gzipSync(DOCUMENT)));
    const { bytes } = await download(server.mirror, PATH, { ...OPTIONS, maxBytes: DOCUMENT.length });
    expect(bytes.length).toBe(DOCUMENT.length);
  });
});

describe("what is cut short or damaged is refused:", () => {
  const packed = deflateSync(DOCUMENT);
  const zipped = gzipSync(DOCUMENT);
  const flipped = Buffer.from(packed);
  flipped[packed.length - 1]! ^= 1;
  it.each([
    ["nothing at all", Buffer.alloc(0), "it broke off the connection."],
    ["half a header", "HTTP/1.0 200 OK\r\nDate:", "it broke off the connection."],
    [
      "less than the Content-Length",
      reply({ "Content-Length": "10" }, "abc"),
      "it broke off in the middle of the document.",
    ],
    [
      "chunks without an end",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
      "it broke off in the middle of the document.",
    ],
    [
      "half a deflate",
      reply({ "Content-Encoding": "deflate" }, packed.subarray(0, -1)),
      "its answer is cut short: the deflate data has no end.",
    ],
    [
      "half a gzip",
      reply({ "Content-Encoding": "gzip" }, zipped.subarray(0, -9)),
      "its answer is cut short: the gzip data has no end.",
    ],
    ["an empty gzip", reply({ "Content-Encoding": "gzip" }, ""), "its answer is cut short: the gzip data has no end."],
    [
      "a wrong checksum",
      reply({ "Content-Encoding": "deflate" }, flipped),
      "its answer is damaged: no valid deflate data.",
    ],
    [
      "garbage called gzip",
      reply({ "Content-Encoding": "gzip" }, "garbage"),
      "its answer is damaged: no valid gzip data.",
    ],
    [
      "plain text called deflate",
      reply({ "Content-Encoding": "deflate" }, DOCUMENT),
      "its answer is damaged: no valid deflate data.",
    ],
    [
      "gzip called deflate",
      reply({ "Content-Encoding": "deflate" }, zipped),
      "its answer is damaged: no valid deflate data.",
    ],
    [
      "deflate called gzip",
      reply({ "Content-Encoding": "gzip" }, packed),
      "its answer is damaged: no valid gzip data.",
    ],
    [
      "raw deflate",
      reply({ "Content-Encoding": "deflate" }, deflateRawSync(DOCUMENT)),
      "its answer is damaged: no valid deflate data.",
    ],
    [
      "something after the deflate",
      reply({ "Content-Encoding": "deflate" }, Buffer.concat([packed, Buffer.from("more")])),
      "its answer is damaged: something follows the deflate data.",
    ],
    [
      "something after the gzip",
      reply({ "Content-Encoding": "gzip" }, Buffer.concat([zipped, Buffer.from("more")])),
      "its answer is damaged: no valid gzip data.",
    ],
    [
      "an unknown packing",
      reply({ "Content-Encoding": "x-tor-lzma" }, "x"),
      "it packed the document with x-tor-lzma, which leek did not ask for.",
    ],
    [
      "one packing upon another",
      reply({ "Content-Encoding": "gzip, deflate" }, "x"),
      "it packed the document with gzip, deflate, which leek did not ask for.",
    ],
    [
      "an unknown framing",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
      `it sends ${PATH} in a way that leek does not know (Transfer-Encoding gzip).`,
    ],
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n", "its answer is no valid HTTP."],
    [
      "two lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
      "its answer is no valid HTTP.",
    ],
    ["a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc", "its answer is no valid HTTP."],
    ["a damaged chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "its answer is no valid HTTP."],
    [
      "a change of protocol",
      "HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
      "it wants to speak another protocol than HTTP (101).",
    ],
    [
      "304",
      "HTTP/1.0 304 Not modified\r\n\r\n",
      "it says that nothing is new, which leek did not ask (304 Not modified).",
    ],
    ["404", "HTTP/1.0 404 Not found\r\n\r\n", "it does not have the document (404 Not found)."],
    [
      "503",
      "HTTP/1.0 503 Directory busy, try again later\r\n\r\n",
      "it is busy (503 Directory busy, try again later).",
    ],
    ["500", "HTTP/1.0 500\r\n\r\n", "it failed (500)."],
    ["403", "HTTP/1.0 403 No\r\n\r\n", "it refused (403 No)."],
    ["206", "HTTP/1.0 206 Part\r\n\r\nx", "it refused (206 Part)."],
    [
      "a redirection",
      "HTTP/1.0 302 Found\r\nLocation: http://login.example/\r\n\r\n",
      "it points to http://login.example/, where leek does not follow (302 Found).",
    ],
    [
      "a long reason that would clear the screen",
      `HTTP/1.0 404 \x1b[2J${"a".repeat(500)}\r\n\r\n`,
      `it does not have the document (404 \\x1b[2J${"a".repeat(76)}...).`,
    ],
  ])("%s", async (_name, bytes, message) => {
    const server = await answering(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    expect(await failure(server.mirror)).toBe(message);
  });

  it("any prefix of a packed answer", async () => {
    const whole = reply({ "Content-Encoding": "deflate" }, deflateSync("network-status-version 3\n"));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
        const server = await answering(whole.subarray(0, length));
        await failure(server.mirror);
      }),
      { numRuns: 30 },
    );
  });

  it("a connection that is reset", async () => {
    const server = await rawServer((socket) => {
      socket.write(reply({ "Content-Length": "100" }, "abc"), () => setTimeout(() => socket.resetAndDestroy(), 20));
    });
    expect(await failure(server.mirror)).toBe("it broke off in the middle of the document.");
    const endless = await rawServer((socket) => {
      socket.write(reply({}, "abc"), () => setTimeout(() => socket.resetAndDestroy(), 20));
    });
    expect(await failure(endless.mirror)).toBe("it broke off in the middle of the document.");
    const early = await rawServer((socket) => socket.resetAndDestroy());
    expect(await failure(early.mirror)).toBe("it broke off the connection.");
  });

  it("a port where nobody listens", async () => {
    const server = await answering("");
    await expectNothingLeft(before);
    expect(await failure(server.mirror)).toBe("it refused the connection.");
  });
});

describe("what is too much is refused:", () => {
  const bomb = Buffer.alloc(200_000_000);
  it.each([
    ["deflate", deflateSync(bomb)],
    ["gzip", gzipSync(bomb)],
  ])("a %s bomb, of which little is ever unpacked", async (encoding, packed) => {
    const server = await answering(reply({ "Content-Encoding": encoding }, packed));
    const memory = process.memoryUsage().arrayBuffers;
    expect(await failure(server.mirror)).toBe("its answer is larger than the 1000000 bytes that leek takes.");
    expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(20_000_000);
  });

  it.each([
    ["a body without end", "HTTP/1.0 200 OK\r\n\r\n", "x".repeat(1000)],
    ["chunks without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n".repeat(200)],
    ["interim answers without end", "", "HTTP/1.1 102 Wait\r\n\r\n".repeat(50)],
    [
      "something after the packed document without end",
      Buffer.concat([reply({ "Content-Encoding": "deflate" }, deflateSync("x"))]),
      "x".repeat(1000),
    ],
  ])("%s", async (_, start, piece) => {
    const server = await rawServer((socket) => {
      socket.write(start);
      return pour(socket, piece);
    });
    const message = await failure(server.mirror, { maxWireBytes: 100_000 });
    expect(message).toMatch(/^it sent more than the 100000 bytes that leek takes\.$|something follows the deflate/);
  });

  it("a Content-Length beyond all bounds, before any of it is read", async () => {
    const server = await rawServer((socket) => socket.write(reply({ "Content-Length": "99999999999" }, "")));
    expect(await failure(server.mirror)).toBe(
      "it wants to send 99999999999 bytes, more than the 1000000 that leek takes.",
    );
  });

  it.each([
    ["one long header", "X: ", "x".repeat(1000)],
    ["many headers", "", "X: y\r\n"],
    ["a long reason", "HTTP/1.1 200 ", "x".repeat(1000)],
  ])("%s", async (name, start, piece) => {
    const server = await rawServer((socket) => {
      socket.write(name === "a long reason" ? start : `HTTP/1.1 200 OK\r\n${start}`);
      return pour(socket, piece);
    });
    expect(await failure(server.mirror)).toBe("its answer has a header of more than 16384 bytes.");
  });
});

describe("who is too slow is left:", () => {
  it("a server that takes no connection", async () => {
    // A queue that nobody empties: the kernel lets further connections wait.
    const worker = new Worker(
      `const { parentPort } = require("node:worker_threads");
       const server = require("node:net").createServer();
       server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
         parentPort.postMessage(server.address().port);
         setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 20);
       });`,
      { eval: true },
    );
    const fillers: Socket[] = [];
    try {
      const port = await new Promise<number>((resolve) => worker.once("message", resolve));
      await new Promise((resolve) => setTimeout(resolve, 100));
      for (let count = 0; count < 8; count += 1) fillers.push(connect(port, "127.0.0.1").on("error", () => {}));
      await new Promise((resolve) => setTimeout(resolve, 100));
      const mirror = { address: "127.0.0.1", port, name: "testmirror" };
      expect(await failure(mirror, { connectTimeoutMs: 200 })).toBe("it did not answer within 0.2 s.");
    } finally {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    }
  });

  it.each([
    ["a server that says nothing", ""],
    ["a server that stops in its header", "HTTP/1.1 200 OK\r\nDate:"],
    ["a server that stops in its document", reply({}, "network-status")],
    [
      "a server that keeps the connection and does not say how long the document is",
      reply({ "Content-Encoding": "deflate" }, deflateSync("x")),
    ],
  ])("%s", async (_, bytes) => {
    const server = await rawServer((socket) => socket.write(bytes));
    expect(await failure(server.mirror, { idleTimeoutMs: 200 })).toBe("it sent nothing for 0.2 s.");
  });

  it("a server that sends a byte now and then, more seldom than allowed", async () => {
    const server = await rawServer((socket) => {
      socket.write(reply({}, ""));
      return drip(socket, "x", 600);
    });
    expect(await failure(server.mirror, { idleTimeoutMs: 150 })).toBe("it sent nothing for 0.1 s.");
  });

  it.each([
    ["in its document", reply({}, "")],
    ["in its header", "HTTP/1.1 200 OK\r\nX: "],
  ])("a server that sends a byte often, but would never be done %s", async (_, start) => {
    const server = await rawServer((socket) => {
      socket.write(start);
      return drip(socket, "x", 20);
    });
    const message = await failure(server.mirror, { idleTimeoutMs: 2000, totalTimeoutMs: 400 });
    expect(message).toBe("it was not done within 0.4 s.");
  });
});

it("waits for a server that is slow, but never for too long at once", async () => {
  const server = await rawServer(async (socket) => {
    socket.write(reply({}, ""));
    for (let count = 0; count < 8; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      socket.write("x");
    }
    socket.end();
  });
  const { bytes } = await download(server.mirror, PATH, { ...OPTIONS, idleTimeoutMs: 500 });
  expect(bytes.toString()).toBe("xxxxxxxx");
});

describe("a caller who wants no more", () => {
  it.each([
    ["before it begins", 0],
    ["while it waits", 50],
  ])("ends it at once, %s", async (_, afterMs) => {
    const server = await rawServer(() => {});
    const stop = new AbortController();
    const reason = new Error("enough");
    if (afterMs === 0) stop.abort(reason);
    else setTimeout(() => stop.abort(reason), afterMs);
    await expect(download(server.mirror, PATH, { ...OPTIONS, signal: stop.signal })).rejects.toBe(reason);
    expect(server.connections).toBe(afterMs === 0 ? 0 : 1);
  });

  it("ends it in the middle of the document", async () => {
    const server = await rawServer((socket) => {
      socket.write(reply({ "Content-Encoding": "gzip" }, gzipSync(DOCUMENT).subarray(0, 50)));
    });
    const stop = new AbortController();
    const options = { ...OPTIONS, signal: stop.signal, onProgress: () => stop.abort() };
    await expect(download(server.mirror, PATH, options)).rejects.toMatchObject({ name: "AbortError" });
  });

  it("is not listened to any longer than needed", async () => {
    const server = await answering(reply({}, "x"));
    const { signal } = new AbortController();
    await download(server.mirror, PATH, { ...OPTIONS, signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("gets its own error back", async () => {
    const server = await rawServer((socket) => pour(socket, reply({}, "x")));
    const own = Object.assign(new Error("mine"), { code: "LEEK_MINE" });
    const onProgress = () => {
      throw own;
    };
    await expect(download(server.mirror, PATH, { ...OPTIONS, onProgress })).rejects.toBe(own);
  });
});

describe("an address that must not be asked", () => {
  it.each([
    ["bad name!", 80, "its address is neither an IP address nor a host name."],
    ["a..b", 80, "its address is neither an IP address nor a host name."],
    ["127.0.0.1", 0, "its port is not between 1 and 65535."],
    ["expyuzz4wqqyqhjn.onion", 80, "it is an onion service, which only Tor reaches."],
    ["EXPYUZZ4WQQYQHJN.ONION.", 80, "it is an onion service, which only Tor reaches."],
  ])("%s:%d", async (address, port, reason) => {
    await expect(download({ address, port, name: "m" }, PATH, OPTIONS)).rejects.toThrow(`): ${reason}`);
  });
});
