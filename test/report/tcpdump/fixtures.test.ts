import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CapturedPacket } from "../../../src/base/index.js";
import { openCapture } from "../../../src/capture/index.js";
import { LineBuffer, TcpdumpFormatter, type TcpdumpOptions } from "../../../src/report/tcpdump/index.js";
import { differences, type Frame, runTcpdump } from "./oracle.js";
import { isExplained } from "./out-of-scope.js";

const FIXTURES = new URL("../../../fixtures/", import.meta.url).pathname;
const captures = readdirSync(FIXTURES).filter((name) => /\.pcap(?:ng)?$/.test(name));

/** The names that this machine gives its interfaces, since those are what tcpdump shows for any capture. */
const interfaceNames = new Map(
  readdirSync("/sys/class/net").map((name) => {
    const index = readFileSync(join("/sys/class/net", name, "ifindex"), "utf8");
    return [Number(index), name] as const;
  }),
);

async function printed(path: string, options: TcpdumpOptions): Promise<{ texts: string[]; frames: Frame[] }> {
  const source = await openCapture(path);
  const formatter = new TcpdumpFormatter({ interfaceName: (index) => interfaceNames.get(index), ...options });
  const packet = new CapturedPacket();
  const out = new LineBuffer();
  const texts: string[] = [];
  const frames: Frame[] = [];
  while (await source.fill()) {
    while (source.next(packet)) {
      out.clear();
      formatter.format(packet, out);
      texts.push(out.toString());
      frames.push({ bytes: packet.bytes.slice(packet.start, packet.end) });
    }
  }
  await source.close();
  return { texts, frames };
}

/** A capture that ends inside a record makes tcpdump fail, after it has printed what came before. */
function tcpdumpOutput(path: string, flags: readonly string[]): string {
  return runTcpdump(["-r", path, ...flags], "UTC", undefined, true);
}

describe.each(captures)("the real capture %s", (name) => {
  const path = join(FIXTURES, name);

  it.each([
    ["tcpdump -n", {}, []],
    ["tcpdump -n -tttt -e", { time: "date", linkLevel: true }, ["-tttt", "-e"]],
    ["tcpdump -n -ttt -q", { time: "delta", quiet: true }, ["-ttt", "-q"]],
  ] satisfies [string, TcpdumpOptions, string[]][])("prints as %s prints it", async (_command, options, flags) => {
    const { texts, frames } = await printed(path, options);
    expect(texts.length).toBeGreaterThan(0);
    const found = differences(texts, tcpdumpOutput(path, flags), frames, Number.POSITIVE_INFINITY);
    expect(found.filter((difference) => !isExplained(difference)).slice(0, 5)).toEqual([]);
  });
});
