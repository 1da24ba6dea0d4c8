import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { downloadFromAny } from "../../src/download/index.js";
import { answering, expectNothingLeft, OPTIONS, rawServer, reply, resources } from "./servers.js";

const PATH = "/tor/keys/all";

let before: string[];
beforeEach(() => {
  before = resources();
});
afterEach(() => expectNothingLeft(before));

describe("asking several mirrors", () => {
  it("goes on until one gives what is wanted", async () => {
    const busy = await answering("HTTP/1.0 503 Busy\r\n\r\n");
    const wrong = await answering(reply({}, "wrong"));
    const good = await answering(reply({}, "good"));
    const spare = await answering(reply({}, "good"));
    const seen: string[] = [];
    const check = (bytes: Buffer, { port }: { port: number }) => {
      seen.push(`${bytes} ${port}`);
      return bytes.toString() === "good" ? undefined : "it sent no certificates";
    };
    const mirrors = [busy.mirror, wrong.mirror, good.mirror, spare.mirror];
    const { bytes, mirror } = await downloadFromAny(mirrors, PATH, { ...OPTIONS, check });
    expect(bytes.toString()).toBe("good");
    expect(mirror).toBe(good.mirror);
    expect(seen).toEqual([`wrong ${wrong.port}`, `good ${good.port}`]);
    expect(spare.connections).toBe(0);
  });

  it("says what each of them said when none does", async () => {
    const busy = await answering("HTTP/1.0 503 Busy\r\n\r\n");
    const wrong = await answering(reply({}, "wrong"));
    const { port: unused, mirror } = await answering(reply({}, "good"));
    const options = { ...OPTIONS, attempts: 2, check: () => "it sent no certificates" };
    await expect(downloadFromAny([busy.mirror, wrong.mirror, mirror], PATH, options)).rejects.toMatchObject({
      code: "LEEK_DOWNLOAD_FAILED",
      message: `Cannot fetch /tor/keys/all. testmirror (127.0.0.1:${busy.port}): it is busy (503 Busy); testmirror (127.0.0.1:${wrong.port}): it sent no certificates.`,
      hint: "Name another directory server with --mirror, or go through Tor with --via socks5h://127.0.0.1:9050.",
    });
    expect(unused).toBeGreaterThan(0);
  });

  it("says so when there is none", async () => {
    await expect(downloadFromAny([], PATH, OPTIONS)).rejects.toMatchObject({
      code: "LEEK_DOWNLOAD_FAILED",
      message: "Cannot fetch /tor/keys/all: there is no directory server to ask.",
    });
  });

  it("ends with the first when the caller wants no more", async () => {
    const silent = await rawServer(() => stop.abort());
    const other = await answering(reply({}, "good"));
    const stop = new AbortController();
    const options = { ...OPTIONS, signal: stop.signal };
    await expect(downloadFromAny([silent.mirror, other.mirror], PATH, options)).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(other.connections).toBe(0);
  });

  it("asks no other when the proxy is at fault", async () => {
    const proxy = await answering("HTTP/1.0 400 Bad request\r\n\r\n");
    const good = await answering(reply({}, "good"));
    const options = { ...OPTIONS, proxy: { host: "127.0.0.1", port: proxy.port } };
    await expect(downloadFromAny([good.mirror, good.mirror], PATH, options)).rejects.toMatchObject({
      code: "LEEK_PROXY_FAILED",
      message: `Cannot use the SOCKS proxy at 127.0.0.1:${proxy.port}: it does not speak SOCKS5.`,
      hint: expect.stringContaining("--via"),
    });
    expect(proxy.connections).toBe(1);
    expect(good.connections).toBe(0);
  });
});
