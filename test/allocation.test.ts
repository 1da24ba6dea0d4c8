import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { bundleScript } from "./support/bundle.js";
import { buildPcap } from "./support/capture-builder.js";
import { ascii, ethernet, ipv4, ipv6, tcp } from "./support/packet-builder.js";

const scratch = mkdtempSync(join(tmpdir(), "leek-allocation-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Measured in a process of its own: the test runner's own work would hide what is looked for. */
const PROBE = `
import { openCapture } from "./src/capture/index.js";
import { CapturedPacket } from "./src/base/index.js";
import { Analysis } from "./src/pipeline/index.js";
import { RelayDirectory } from "./src/relays/index.js";

const analysis = new Analysis({ directory: new RelayDirectory() });
const packet = new CapturedPacket();
async function pass() {
  const source = await openCapture(process.argv[2]);
  let packets = 0;
  while (await source.fill()) while (source.next(packet)) { analysis.observe(packet); packets++; }
  await source.close();
  return packets;
}
await pass();
await pass();
let packets = 0;
let allocated = Infinity;
// The least of several: a busy machine compiles late, and what is allocated for each packet is so in every pass.
for (let round = 0; round < 4; round++) {
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  packets = await pass();
  // Before any collection: what the pass allocated is still there, unless V8 collected on its own, which it need not.
  allocated = Math.min(allocated, process.memoryUsage().heapUsed - before);
}
console.log(JSON.stringify({ packets, allocated }));
`;

describe("the path from capture to flow table", () => {
  it("allocates nothing per packet", () => {
    const frames: Uint8Array[] = [];
    for (let i = 0; i < 100; i++) {
      const segment = tcp({ srcPort: 40000 + i, dstPort: 443 }, ascii("x".repeat(i * 10)));
      frames.push(ethernet({}, i % 3 === 0 ? ipv6({}, segment) : ipv4({}, segment)));
    }
    const records = Array.from({ length: 200_000 }, (_, i) => ({
      seconds: 1_700_000_000 + Math.floor(i / 1000),
      fraction: i % 1000,
      bytes: frames[i % frames.length]!,
    }));
    const capture = join(scratch, "many.pcap");
    writeFileSync(capture, buildPcap({}, records));
    const probe = join(scratch, "probe.mjs");
    bundleScript(PROBE, probe);
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--expose-gc", "--max-semi-space-size=64", probe, capture],
      { encoding: "utf8" },
    );
    expect(stderr).toBe("");
    const { packets, allocated } = JSON.parse(stdout);
    expect(packets).toBe(200_000);
    // What remains is per batch and per second: promises, the pool's requests.
    expect(allocated / packets).toBeLessThan(2);
  });
});
