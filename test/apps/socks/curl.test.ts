import { execFile } from "node:child_process";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { http } from "../../../src/apps/http/index.js";
import { socks4, socks5 } from "../../../src/apps/socks/index.js";
import { detailsOf, disclosed, overTcp, type Said } from "../conversation.js";

const PAGE = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/** What curl and the proxy said to each other, in order. */
let said: Said[] = [];

/** Grants whatever is asked, and is the web server itself. */
const proxy = createServer((socket) => {
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    said.push([0, Uint8Array.from(bytes)]);
    answer(socket, bytes);
  });
});

function answer(socket: Socket, bytes: Buffer): void {
  const text = bytes.toString("latin1");
  if (/^(?:GET|HEAD) /.test(text)) say(socket, PAGE, true);
  else if (text.startsWith("CONNECT ")) say(socket, "HTTP/1.1 200 OK\r\n\r\n");
  else if (bytes[0] === 4) say(socket, "\x00\x5a\0\0\0\0\0\0");
  else if (bytes[0] === 1) say(socket, "\x01\x00");
  else if (bytes[2] === 0 && bytes.length > 6) say(socket, "\x05\0\0\x01\0\0\0\0\0\0");
  else say(socket, bytes.subarray(2).includes(2) ? "\x05\x02" : "\x05\x00");
}

function say(socket: Socket, text: string, isLast = false): void {
  said.push([1, text]);
  socket.write(text, "latin1");
  if (isLast) socket.end();
}

let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  port = (proxy.address() as AddressInfo).port;
});
afterAll(() => void proxy.close());

async function curl(scheme: string, url: string, ...options: string[]) {
  said = [];
  const args = ["-q", "-sS", "--noproxy", "", "-x", `${scheme}127.0.0.1:${port}`, "-A", "test/1", ...options, url];
  const output = await new Promise<string>((resolve, reject) => {
    execFile("curl", args, { timeout: 10_000 }, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
  });
  expect(output).toBe("ok");
  const facts = overTcp([http, socks4, socks5], said);
  expect(disclosed(overTcp([http, socks4, socks5], said, 1))).toEqual(disclosed(facts));
  return facts;
}

describe("what a real curl says to a proxy", () => {
  it("is understood as SOCKS 5 with a name", async () => {
    const facts = await curl("socks5h://bob:s3cret@", "http://www.example.com/a");
    expect(facts?.protocol).toBe("socks5");
    expect(detailsOf(facts)).toMatchObject({ userName: true, command: "connect", granted: true });
    expect(disclosed(facts)).toEqual(["proxy-target: www.example.com:80"]);
  });

  it("is understood as SOCKS 5 with an address", async () => {
    expect(disclosed(await curl("socks5://", "http://203.0.113.80/a"))).toEqual(["proxy-target: 203.0.113.80:80"]);
    expect(disclosed(await curl("socks5h://", "http://[2001:db8::1]:81/"))).toEqual(["proxy-target: [2001:db8::1]:81"]);
  });

  it("is understood as SOCKS 4 and 4a", async () => {
    const four = await curl("socks4://", "http://203.0.113.80/a");
    expect([four?.protocol, four?.proxyRequest?.target]).toEqual(["socks4", "203.0.113.80:80"]);
    const named = await curl("socks4a://", "http://www.example.com/a");
    expect([detailsOf(named).version, named?.proxyRequest?.target]).toEqual(["4a", "www.example.com:80"]);
  });

  it("is understood as HTTP with a tunnel, and without", async () => {
    const tunnel = await curl("http://", "http://www.example.com/a", "--proxytunnel", "--proxy-user", "bob:s3cret");
    expect([tunnel?.protocol, tunnel?.proxyRequest?.target]).toEqual(["http-connect", "www.example.com:80"]);
    expect(detailsOf(tunnel)).toMatchObject({ authorization: true, granted: true });
    const plain = await curl("http://", "http://www.example.com/a?b");
    expect(detailsOf(plain)).toMatchObject({ viaProxy: true, method: "GET", status: 200 });
    expect(disclosed(plain)).toEqual([
      "http-host: www.example.com",
      "proxy-target: www.example.com:80",
      "http-path: /a?b",
      "user-agent: test/1",
    ]);
  });
});
