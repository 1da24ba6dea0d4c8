import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessMatch } from "../../src/host/index.js";
import { bundleScript } from "../support/bundle.js";
import { Namespace, type SocketProgram } from "./namespace.js";

const LOOPBACK = "127.0.0.1";
/** An address that the other namespace has, and leek's does not. */
const INSIDE = "10.77.0.1";

const folder = mkdtempSync(join(tmpdir(), "leek-host-"));
const bundle = join(folder, "find.mjs");
let here: Namespace | undefined;
let there: Namespace | undefined;
let server: SocketProgram;
let client: SocketProgram;

beforeAll(async () => {
  here = new Namespace();
  there = new Namespace();
  there.ip("address", "add", `${INSIDE}/32`, "dev", "lo");
  server = await here.program();
  client = await here.program();
  bundleScript(
    `import { ProcessFinder } from "./src/host/index.js";
     const finder = new ProcessFinder({ now: () => performance.now() });
     console.log(JSON.stringify(finder.find(JSON.parse(process.argv[2]))));`,
    bundle,
  );
});
afterAll(async () => {
  await here?.close();
  await there?.close();
  rmSync(folder, { recursive: true });
});

/** What leek, in the namespace `here`, finds for flows between `address/port`. */
function find(...flows: readonly (readonly [transport: string, local: string, remote: string])[]): ProcessMatch[] {
  const end = (text: string) => ({ address: text.split("/")[0], port: Number(text.split("/")[1]) });
  const queries = flows.map(([transport, local, remote]) => ({ transport, local: end(local), remote: end(remote) }));
  return JSON.parse(here!.run(process.execPath, bundle, JSON.stringify(queries)));
}

describe("real sockets", () => {
  it("of a TCP client and its server are each found exactly", async () => {
    const port = await server.do("listen", LOOPBACK);
    const from = await client.do("connect", LOOPBACK, port);
    const [ofClient, ofServer, ofNobody] = find(
      ["tcp", `${LOOPBACK}/${from}`, `${LOOPBACK}/${port}`],
      ["tcp", `${LOOPBACK}/${port}`, `${LOOPBACK}/${from}`],
      ["tcp", `${LOOPBACK}/${from}`, `${LOOPBACK}/1`],
    );
    expect(ofClient).toMatchObject({
      confidence: "exact",
      process: { pid: client.pid, name: "node", uid: 0, user: "root" },
    });
    expect(ofClient!.process!.commandLine).toContain("socket-program.mjs");
    expect(ofServer).toMatchObject({ confidence: "exact", process: { pid: server.pid } });
    expect(ofNobody).toEqual({ confidence: "unknown" });
  });

  it("of IPv6, and of IPv4 to a server for both versions, are found exactly", async () => {
    const port = await server.do("listen", "::");
    const from6 = await client.do("connect", "::1", port);
    const from4 = await client.do("connect", LOOPBACK, port);
    const found = find(
      ["tcp", `::1/${port}`, `::1/${from6}`],
      ["tcp", `${LOOPBACK}/${port}`, `${LOOPBACK}/${from4}`],
      ["tcp", `::1/${from6}`, `::1/${port}`],
      ["tcp", `${LOOPBACK}/${port}`, `${LOOPBACK}/1`],
    );
    const verdicts = found.map(({ confidence, process }) => [confidence, process?.pid]);
    expect(verdicts).toEqual([
      ["exact", server.pid],
      ["exact", server.pid],
      ["exact", client.pid],
      ["by-port", server.pid],
    ]);
  });

  it("of UDP are found by port while they are not connected, and exactly when they are", async () => {
    const port = await server.do("bindUdp", "0.0.0.0");
    const own = await server.do("bindUdp", LOOPBACK);
    const from = await client.do("connectUdp", LOOPBACK, port);
    const found = find(
      ["udp", `${LOOPBACK}/${port}`, `${LOOPBACK}/${from}`],
      ["udp", `${LOOPBACK}/${own}`, "192.0.2.1/53"],
      ["udp", `${LOOPBACK}/${from}`, `${LOOPBACK}/${port}`],
      ["udp", `192.0.2.1/${port}`, `${LOOPBACK}/${from}`],
    );
    expect(found.map(({ confidence, process }) => [confidence, process?.pid])).toEqual([
      ["by-port", server.pid],
      ["by-port", server.pid],
      ["exact", client.pid],
      ["unknown", undefined],
    ]);
  });

  it("of a closed connection belong to nobody", async () => {
    const port = await server.do("listen", LOOPBACK);
    const from = await client.do("connect", LOOPBACK, port);
    await client.do("hangUp");
    expect(find(["tcp", `${LOOPBACK}/${from}`, `${LOOPBACK}/${port}`])).toEqual([{ confidence: "unknown" }]);
  });

  it("that two processes share are found by port only", async () => {
    const port = await server.do("listen", LOOPBACK);
    const from = await client.do("connect", LOOPBACK, port);
    await client.do("share");
    expect(find(["tcp", `${LOOPBACK}/${from}`, `${LOOPBACK}/${port}`])).toMatchObject([
      { confidence: "by-port", process: { pid: client.pid } },
    ]);
  });

  it("in another network namespace are found exactly, with its number", async () => {
    const program = await there!.program();
    const port = await program.do("listen", INSIDE);
    const from = await program.do("connect", INSIDE, port);
    const udp = await program.do("bindUdp", "0.0.0.0");
    const found = find(["tcp", `${INSIDE}/${from}`, `${INSIDE}/${port}`], ["udp", `${INSIDE}/${udp}`, "192.0.2.1/53"]);
    const process = { pid: program.pid, networkNamespace: there!.inode };
    expect(found).toMatchObject([
      { confidence: "exact", process },
      { confidence: "by-port", process },
    ]);
  });
});
