import { lookup } from "node:dns";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { answersSocks, download, type SocksProxy } from "../../src/download/index.js";
import { drip, pour } from "../support/endless-writes.js";
import { answering, expectNothingLeft, OPTIONS, rawServer, reply, resources } from "./servers.js";

vi.mock("node:dns", { spy: true });

let before: string[];
beforeEach(() => {
  before = resources();
});
afterEach(() => expectNothingLeft(before));

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const TAKEN = hex("05 00");
const CONNECTED = hex("05 00 00 01 00000000 0000");

/** A proxy that gives these answers, one for each message. */
function proxyThat(...answers: readonly (Uint8Array | ((socket: Socket) => unknown))[]) {
  return rawServer((socket) => {
    const left = [...answers];
    const answer = () => {
      const next = left.shift();
      if (typeof next === "function") next(socket);
      else if (next !== undefined) socket.write(next);
    };
    answer();
    socket.on("data", answer);
  });
}

const at = ({ port }: { port: number }, rest: Partial<SocksProxy> = {}): SocksProxy => ({
  host: "127.0.0.1",
  port,
  ...rest,
});

async function failure(proxy: SocksProxy, connectTimeoutMs = 5000): Promise<{ code: string; message: string }> {
  const mirror = { address: "dir.example", port: 80, name: "m" };
  return download(mirror, "/", { ...OPTIONS, connectTimeoutMs, proxy }).then(
    () => expect.unreachable(),
    (error) => error,
  );
}

describe("a download through a SOCKS proxy", () => {
  it.each([
    ["a host name, as a name", "dir.example", `03 0b ${Buffer.from("dir.example").toString("hex")}`],
    ["an onion service", "abc.onion", `03 09 ${Buffer.from("abc.onion").toString("hex")}`],
    ["an IPv4 address", "192.0.2.7", "01 c0000207"],
    ["an IPv6 address", "2001:db8::ff:7", "04 20010db8000000000000000000ff0007"],
  ])("names %s to the proxy and looks nothing up", async (_, address, wanted) => {
    const proxy = await proxyThat(TAKEN, CONNECTED, reply({ "Content-Length": "2" }, "ok"));
    vi.mocked(lookup).mockClear();
    const { bytes } = await download({ address, port: 9030, name: "m" }, "/tor", { ...OPTIONS, proxy: at(proxy) });
    expect(bytes.toString()).toBe("ok");
    const host = address.includes(":") ? `[${address}]` : address;
    const http = `GET /tor HTTP/1.1\r\nAccept-Encoding: deflate, gzip, identity\r\nHost: ${host}:9030\r\nConnection: close\r\n\r\n`;
    const sent = Buffer.concat([hex(`05 01 00 05 01 00 ${wanted} 2346`), Buffer.from(http)]);
    expect(proxy.received[0]!.toString("latin1")).toBe(sent.toString("latin1"));
    expect(lookup).not.toHaveBeenCalled();
  });

  it("would have looked the name up without one", async () => {
    // Shows that the spy above would see it.
    vi.mocked(lookup).mockClear();
    const server = await answering(reply({}, "ok"));
    await download({ ...server.mirror, address: "localhost" }, "/", OPTIONS);
    expect(lookup).toHaveBeenCalled();
  });

  it("logs in, and offers nothing else", async () => {
    const proxy = await proxyThat(hex("05 02"), hex("01 00"), CONNECTED, reply({ "Content-Length": "2" }, "ok"));
    const login = at(proxy, { user: "leek", password: "é" });
    const options = { ...OPTIONS, proxy: login };
    const { bytes } = await download({ address: "192.0.2.7", port: 80, name: "m" }, "/", options);
    expect(bytes.toString()).toBe("ok");
    expect(proxy.received[0]!.toString("hex")).toMatch(/^05010201046c65656b02c3a905010001c00002070050474554/);
  });

  it.each([
    ["with an IPv6 address", "05 00 00 04 00000000000000000000000000000001 1234"],
    ["with a name", "05 00 00 03 03 616263 1234"],
    ["with an empty name", "05 00 00 03 00 1234"],
  ])("takes an answer %s, byte by byte, and what follows it at once", async (_, answer) => {
    const proxy = await proxyThat(TAKEN, async (socket) => {
      for (const byte of hex(answer).subarray(0, -1)) {
        socket.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.write(Buffer.concat([hex(answer).subarray(-1), reply({ "Content-Length": "2" }, "ok")]));
    });
    const mirror = { address: "dir.example", port: 80, name: "m" };
    expect((await download(mirror, "/", { ...OPTIONS, proxy: at(proxy) })).bytes.toString()).toBe("ok");
  });

  it.each([
    [1, "the proxy failed to reach it"],
    [2, "the proxy's rules do not allow to reach it"],
    [3, "the proxy found its network unreachable"],
    [4, "the proxy found it unreachable"],
    [5, "it refused the proxy's connection"],
    [6, "the proxy gave up on it (time to live expired)"],
    [7, "the proxy cannot connect to servers"],
    [8, "the proxy does not know addresses of this type"],
    [9, "the proxy failed to reach it"],
    [0xf0, "the proxy failed to reach it"],
  ])("tells why it was refused: %i", async (code, reason) => {
    const proxy = await proxyThat(TAKEN, Buffer.of(5, code, 0, 1));
    expect(await failure(at(proxy))).toMatchObject({
      code: "LEEK_DOWNLOAD_FAILED",
      message: `Cannot fetch / from m (dir.example:80): ${reason} (SOCKS reply ${code}).`,
      hint: "Try again later, or name another directory server with --mirror.",
    });
  });

  it.each([
    ["another protocol", ["HTTP/1.0 400 Bad\r\n\r\n"], "it does not speak SOCKS5."],
    ["SOCKS4", [hex("00 5a")], "it does not speak SOCKS5."],
    ["a method that was not offered", [hex("05 02")], "it does not speak SOCKS5."],
    ["garbage instead of a reply", [TAKEN, "garbage"], "it does not speak SOCKS5."],
    ["an unknown kind of address", [TAKEN, hex("05 00 00 02 00")], "it does not speak SOCKS5."],
    ["a wish for a login", [hex("05 ff")], "it wants a user and a password."],
  ])("blames a proxy that answers with %s", async (_, answers, reason) => {
    const proxy = await proxyThat(...answers.map((answer) => Buffer.from(answer as Uint8Array)));
    expect(await failure(at(proxy))).toMatchObject({
      code: "LEEK_PROXY_FAILED",
      kind: "unavailable",
      message: `Cannot use the SOCKS proxy at 127.0.0.1:${proxy.port}: ${reason}`,
    });
  });

  it.each([
    ["takes no login", [hex("05 ff")], "it takes no user and password."],
    ["does not accept it", [hex("05 02"), hex("01 01")], "it does not accept the user and password."],
    ["answers it with garbage", [hex("05 02"), hex("05 00")], "it does not speak SOCKS5."],
  ])("blames a proxy that %s", async (_, answers, reason) => {
    const proxy = await proxyThat(...answers);
    const { message, code } = await failure(at(proxy, { user: "u", password: "" }));
    expect({ message, code }).toEqual({
      code: "LEEK_PROXY_FAILED",
      message: `Cannot use the SOCKS proxy at 127.0.0.1:${proxy.port}: ${reason}`,
    });
  });

  const end = (bytes: string) => (socket: Socket) => socket.end(hex(bytes));
  it.each([
    ["no answer", [end("")], "LEEK_PROXY_FAILED", "it closed the connection instead of an answer."],
    ["half a method", [end("05")], "LEEK_PROXY_FAILED", "it closed the connection instead of an answer."],
    ["no reply", [TAKEN, end("")], "LEEK_DOWNLOAD_FAILED", "the proxy closed the connection instead of an answer."],
    [
      "half a reply",
      [TAKEN, end("05 00 00")],
      "LEEK_DOWNLOAD_FAILED",
      "the proxy closed the connection instead of an answer.",
    ],
    [
      "half a name",
      [TAKEN, end("05 00 00 03 ff 61")],
      "LEEK_DOWNLOAD_FAILED",
      "the proxy closed the connection instead of an answer.",
    ],
    [
      "a reset",
      [(socket: Socket) => socket.resetAndDestroy()],
      "LEEK_PROXY_FAILED",
      "it closed the connection instead of an answer.",
    ],
  ])("is not stopped by a proxy that gives %s", async (_, answers, code, reason) => {
    const proxy = await proxyThat(...answers);
    const error = await failure(at(proxy));
    expect(error.code).toBe(code);
    expect(error.message.endsWith(`: ${reason}`)).toBe(true);
  });

  it("blames a proxy that is not there", async () => {
    const proxy = await proxyThat();
    await expectNothingLeft(before);
    expect(await failure(at(proxy))).toMatchObject({
      code: "LEEK_PROXY_FAILED",
      message: `Cannot use the SOCKS proxy at 127.0.0.1:${proxy.port}: it refused the connection.`,
      hint: "Start tor, name its SOCKS port with --via socks5h://HOST:PORT, or ask without a proxy: --direct.",
    });
  });

  it("does not wait for a slow proxy, nor for a slow way to the mirror", async () => {
    const silent = await proxyThat();
    expect(await failure(at(silent), 150)).toMatchObject({
      code: "LEEK_PROXY_FAILED",
      message: expect.stringMatching(/: it did not answer within 0\.1 s\.$|: it did not answer within 0\.2 s\.$/),
    });
    const slow = await proxyThat(TAKEN, (socket) => drip(socket, "", 50));
    expect(await failure(at(slow), 200)).toMatchObject({
      code: "LEEK_DOWNLOAD_FAILED",
      message: "Cannot fetch / from m (dir.example:80): the proxy did not reach it within 0.2 s.",
    });
  });

  it("reads no more of a talkative proxy than it needs", async () => {
    const proxy = await proxyThat((socket) => pour(socket, hex("05 00 00 01 00000000 0000").subarray(0, 2)));
    expect(await failure(at(proxy))).toMatchObject({ code: "LEEK_PROXY_FAILED" });
  });

  it("ends at once when the caller wants no more", async () => {
    const stop = new AbortController();
    const proxy = await proxyThat(TAKEN, () => stop.abort());
    const options = { ...OPTIONS, proxy: at(proxy), signal: stop.signal };
    await expect(download({ address: "a.example", port: 80, name: "m" }, "/", options)).rejects.toMatchObject({
      name: "AbortError",
    });
  });
});

describe("whether a SOCKS proxy answers", () => {
  it("is asked without naming any server", async () => {
    const proxy = await proxyThat(TAKEN);
    expect(await answersSocks(at(proxy), 5000)).toBe(true);
    expect(proxy.received[0]!.toString("hex")).toBe("050100");
  });

  it("is asked with the login that it shall take", async () => {
    const proxy = await proxyThat(hex("05 02"));
    expect(await answersSocks(at(proxy, { user: "u", password: "p" }), 5000)).toBe(true);
    expect(proxy.received[0]!.toString("hex")).toBe("050102");
  });

  it.each([
    ["that speaks HTTP", ["HTTP/1.0 400 Bad\r\n\r\n"]],
    ["that wants a login", [hex("05 ff")]],
    ["that closes", [(socket: Socket) => socket.destroy()]],
    ["that says nothing", []],
  ])("is no for one %s", async (_, answers) => {
    const proxy = await proxyThat(...answers.map((it) => (typeof it === "string" ? Buffer.from(it) : it)));
    expect(await answersSocks(at(proxy), 200)).toBe(false);
  });

  it("is no for a port where nobody listens", async () => {
    const proxy = await proxyThat();
    await expectNothingLeft(before);
    expect(await answersSocks(at(proxy), 5000)).toBe(false);
  });
});
