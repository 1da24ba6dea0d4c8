import type { CapturedPacket } from "../../base/index.js";
import type { PacketSource, SourceInfo } from "../packet-source.js";
import type { PcapReader } from "../pcap-reader.js";
import type { LiveBytes } from "./live-bytes.js";

/** Packets of interfaces, as they come. */
export interface LiveSource extends PacketSource {
  /** Asks the interfaces to stop. What they have received by then still comes; then `fill` gives false. */
  stop(): void;
}

/** One interface, its bytes and the reader of them. */
export interface LiveReader {
  readonly bytes: LiveBytes;
  readonly reader: PcapReader;
  readonly info: SourceInfo;
}

type Lane = LiveReader & {
  /** "loaded": has packets; "dry": is to be filled; "filling": waits for packets; "ended". */
  state: "loaded" | "dry" | "filling" | "ended";
};

/** Several interfaces as one source. None waits for another: whichever has a packet gives it. */
export class JoinedSource implements LiveSource {
  readonly infos: readonly SourceInfo[];
  readonly #lanes: readonly Lane[];
  /** The lane that is being read, until it has no more: changing for each packet would cost more than the packet. */
  #current = 0;
  #packets = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(readers: readonly LiveReader[]) {
    this.#lanes = readers.map((reader) => ({ ...reader, state: "dry" }));
    this.infos = readers.map(({ info }) => info);
  }

  next(packet: CapturedPacket): boolean {
    for (;;) {
      const lane = this.#lanes[this.#current]!;
      if (lane.state === "loaded") {
        if (lane.reader.next(packet)) {
          packet.interfaceIndex = this.#current;
          packet.number = ++this.#packets;
          return true;
        }
        lane.state = "dry";
      }
      const loaded = this.#lanes.findIndex(({ state }) => state === "loaded");
      if (loaded === -1) return false;
      this.#current = loaded;
    }
  }

  async fill(): Promise<boolean> {
    for (const lane of this.#lanes) if (lane.state === "dry") this.#fillLane(lane);
    if (!this.#lanes.some(({ state }) => state === "loaded") && this.#lanes.some(({ state }) => state === "filling")) {
      // A promise of this call alone: those of lanes that stay idle would keep each wait for them in memory.
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    for (const { info, bytes } of this.#lanes) updateCounters(info, bytes);
    return this.#lanes.some(({ state }) => state !== "ended");
  }

  stop(): void {
    for (const { bytes } of this.#lanes) bytes.stop();
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map(({ reader }) => reader.close()));
    for (const { bytes, info } of this.#lanes) updateCounters(info, bytes);
  }

  /** Never rejects: nobody may be waiting. */
  async #fillLane(lane: Lane): Promise<void> {
    lane.state = "filling";
    try {
      lane.state = (await lane.reader.fill()) ? "loaded" : "ended";
    } catch (error) {
      lane.state = "ended";
      this.#failure ??= { error };
    }
    const { bytes, info } = lane;
    if (lane.state === "ended" && bytes.failure !== undefined) {
      info.damage = { ...bytes.failure, record: info.packets + 1, offset: info.bytesRead };
    }
    this.#wake();
  }
}

/** Brings what the backend counted into what users see. */
export function updateCounters(info: SourceInfo, { statistics, lost }: LiveBytes): void {
  if (lost > 0) info.anomalies.set("cap-queue-full", lost);
  const [face] = info.interfaces;
  if (face === undefined || statistics === undefined) return;
  face.statistics = statistics;
  face.dropped = statistics.droppedByKernel + statistics.droppedByInterface;
}
