import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleScript } from "../support/bundle.js";
import { buildPcap, PcapngBuilder } from "../support/capture-builder.js";
import { payload } from "./read-packets.js";

// In a process of its own: --expose-gc, and no test runner that allocates meanwhile.
const SCRIPT = `
import { openCapture } from "./src/capture/index.js";
import { CapturedPacket } from "./src/base/index.js";
const packet = new CapturedPacket();
let packets = 0, grown = 0, sum = 0;
for (let round = 0; round < 2; round += 1) {
  const source = await openCapture(process.argv[2]!);
  packets = 0;
  grown = 0;
  while (await source.fill()) {
    const before = process.memoryUsage().heapUsed;
    while (source.next(packet)) {
      packets += 1;
      sum = (sum + packet.end - packet.start + packet.nanoseconds) | 0;
    }
    // A collection in between would make this negative; then the batch says nothing.
    grown += Math.max(0, process.memoryUsage().heapUsed - before);
  }
  await source.close();
}
console.log(JSON.stringify({ packets, bytesPerPacket: grown / packets, sum }));
`;

const PACKETS = 500_000;
const directory = mkdtempSync(join(tmpdir(), "leek-allocation-"));
const bundle = join(directory, "main.mjs");

beforeAll(() => bundleScript(SCRIPT, bundle));
afterAll(() => rmSync(directory, { recursive: true }));

describe("reading allocates nothing per packet", () => {
  const bytes = payload(66);
  const classic = () =>
    buildPcap(
      {},
      Array.from({ length: PACKETS }, (_, index) => ({
        seconds: 1_700_000_000 + (index >> 10),
        fraction: index,
        bytes,
      })),
    );
  const nextGeneration = () => {
    const builder = new PcapngBuilder().section().interface({ tsresol: 9 });
    for (let index = 0; index < PACKETS; index += 1) {
      builder.enhancedPacket({ timestamp: 1_700_000_000_000_000_000n + BigInt(index) * 1_000n, bytes });
    }
    return builder.build();
  };
  it.each([
    ["pcap", classic],
    ["pcapng", nextGeneration],
  ])("of %s", (name, build) => {
    const path = join(directory, name);
    writeFileSync(path, build());
    const result = JSON.parse(execFileSync(process.execPath, [bundle, path], { encoding: "utf8" }));
    expect(result.packets).toBe(PACKETS);
    // A fill costs some kilobytes, whatever the number of packets; an object per packet would be 16 bytes or more.
    expect(result.bytesPerPacket).toBeLessThan(2);
  });
});
