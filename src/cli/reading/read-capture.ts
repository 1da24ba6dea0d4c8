import { CapturedPacket } from "../../base/index.js";
import { openCaptures, type PacketSource } from "../../capture/index.js";
import { Progress } from "../output/progress.js";
import { Interrupt } from "./interrupt.js";

/** What a command does with packets. */
export interface CaptureReader {
  /**
   * Called once, before the first packet.
   *
   * @param from - Time of the first packet, seconds since 1970-01-01 UTC; undefined when there is none.
   */
  start(source: PacketSource, from: number | undefined): Promise<void>;
  /** Called for each packet. Returns false to stop reading. */
  packet(packet: CapturedPacket): boolean;
  /** Called after each batch: output that people wait for should go out now. */
  batch(): void;
}

/**
 * Reads captures, merged by time, to their end, to the reader's "stop" or to Ctrl-C.
 *
 * @returns The ended source, for what it says of itself.
 * @throws {LeekError} see openCaptures; and whatever the reader throws.
 */
export async function readCaptures(paths: readonly string[], reader: CaptureReader): Promise<PacketSource> {
  const source = await openCaptures(paths);
  const progress = new Progress(source);
  const interrupt = new Interrupt();
  try {
    const packet = new CapturedPacket();
    let hasFirst = false;
    while (!hasFirst && (await interrupt.race(source.fill()))) hasFirst = source.next(packet);
    await reader.start(source, hasFirst ? packet.seconds : undefined);
    let more = hasFirst && reader.packet(packet);
    while (more && !interrupt.interrupted) {
      while (more && source.next(packet)) more = reader.packet(packet);
      reader.batch();
      progress.tick();
      if (more) more = await interrupt.race(source.fill());
    }
    return source;
  } finally {
    interrupt.dispose();
    progress.end();
    await source.close();
  }
}
