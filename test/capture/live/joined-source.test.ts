import { describe, expect, it } from "vitest";
import { CapturedPacket } from "../../../src/base/index.js";
import { JoinedSource, type LiveReader } from "../../../src/capture/live/joined-source.js";
import type { LiveBytes } from "../../../src/capture/live/live-bytes.js";
import type { SourceInfo } from "../../../src/capture/packet-source.js";
import type { PcapReader } from "../../../src/capture/pcap-reader.js";

/** An interface whose packets come when the test says so; a packet is its length. */
class Lane {
  readonly info = {
    packets: 0,
    bytesRead: 24,
    damage: undefined,
    anomalies: new Map(),
    interfaces: [],
  } as unknown as SourceInfo;
  failure: LiveBytes["failure"];
  stopped = false;
  private loaded: number[] = [];
  private wake: ((batch: number[] | Error | undefined) => void) | undefined;
  private readonly batches: (number[] | Error | undefined)[] = [];

  /** undefined: the end. */
  come(batch: number[] | Error | undefined): void {
    if (this.wake === undefined) this.batches.push(batch);
    else this.wake(batch);
    this.wake = undefined;
  }

  get reader(): LiveReader {
    const reader = {
      next: (packet: CapturedPacket) => {
        const length = this.loaded.shift();
        if (length === undefined) return false;
        packet.originalLength = length;
        this.info.packets++;
        return true;
      },
      fill: async () => {
        const batch =
          this.batches.length > 0 ? this.batches.shift() : await new Promise((resolve) => (this.wake = resolve));
        if (batch instanceof Error) throw batch;
        this.loaded = (batch as number[] | undefined) ?? [];
        return batch !== undefined;
      },
      close: async () => {},
    } as unknown as PcapReader;
    const bytes = {
      statistics: undefined,
      lost: 0,
      stop: () => {
        this.stopped = true;
      },
    };
    return {
      reader,
      info: this.info,
      bytes: Object.defineProperty(bytes, "failure", { get: () => this.failure }) as unknown as LiveBytes,
    };
  }
}

function taken(source: JoinedSource): number[][] {
  const packet = new CapturedPacket();
  const out: number[][] = [];
  while (source.next(packet)) out.push([packet.number, packet.interfaceIndex, packet.originalLength]);
  return out;
}

describe("interfaces joined", () => {
  it("give their packets as they come, numbered over all, whoever is idle", async () => {
    const [one, two] = [new Lane(), new Lane()];
    const source = new JoinedSource([one.reader, two.reader]);
    two.come([100, 101]);
    expect(await source.fill()).toBe(true);
    expect(taken(source)).toEqual([
      [1, 1, 100],
      [2, 1, 101],
    ]);
    two.come([102]);
    expect(await source.fill()).toBe(true);
    one.come([200]);
    expect(taken(source)).toEqual([[3, 1, 102]]);
    expect(await source.fill()).toBe(true);
    expect(taken(source)).toEqual([[4, 0, 200]]);
  });

  it("end when the last one ends", async () => {
    const [one, two] = [new Lane(), new Lane()];
    const source = new JoinedSource([one.reader, two.reader]);
    one.come(undefined);
    expect(await source.fill()).toBe(true);
    expect(taken(source)).toEqual([]);
    two.come([1]);
    expect(await source.fill()).toBe(true);
    expect(taken(source)).toEqual([[1, 1, 1]]);
    two.come(undefined);
    expect(await source.fill()).toBe(false);
    expect(await source.fill()).toBe(false);
    expect(source.infos.every(({ damage }) => damage === undefined)).toBe(true);
  });

  it("show the failure of one as its damage, behind its last packet", async () => {
    const [one, two] = [new Lane(), new Lane()];
    const source = new JoinedSource([one.reader, two.reader]);
    one.come([5, 6]);
    await source.fill();
    taken(source);
    one.failure = { code: "interface-gone", message: "It disappeared." };
    one.come(undefined);
    expect(await source.fill()).toBe(true);
    expect(source.infos[0]!.damage).toEqual({
      code: "interface-gone",
      message: "It disappeared.",
      record: 3,
      offset: 24,
    });
    expect(source.infos[1]!.damage).toBeUndefined();
  });

  it("pass an error of reading on, also one that came while nobody waited", async () => {
    const lane = new Lane();
    const source = new JoinedSource([lane.reader]);
    lane.come(new Error("broken"));
    await expect(source.fill()).rejects.toThrow("broken");
  });

  it("are all asked to stop", () => {
    const lanes = [new Lane(), new Lane()];
    new JoinedSource(lanes.map(({ reader }) => reader)).stop();
    expect(lanes.map(({ stopped }) => stopped)).toEqual([true, true]);
  });

  it("are heard also after a long silence of one of them", async () => {
    const [idle, busy] = [new Lane(), new Lane()];
    const source = new JoinedSource([idle.reader, busy.reader]);
    for (let i = 1; i <= 1000; i++) {
      busy.come([i]);
      await source.fill();
      expect(taken(source)).toEqual([[i, 1, i]]);
    }
    idle.come([7]);
    await source.fill();
    expect(taken(source)).toEqual([[1001, 0, 7]]);
  });
});
