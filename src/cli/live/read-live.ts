import { setImmediate as nextTurn } from "node:timers/promises";
import { CapturedPacket } from "../../base/index.js";
import { type LiveEvent, type LiveOptions, type LiveSource, openLive } from "../../capture/index.js";
import { CAPTURE_WORKER } from "../helper-files.js";
import { say } from "../output/messages.js";
import { Interrupt } from "../reading/interrupt.js";
import { becomeUser, findIdentity, type Identity } from "./privileges.js";

/** How a live capture is made. */
export interface LiveSettings extends Omit<LiveOptions, "worker" | "onEvent" | "now"> {
  /** Whom root becomes, see findIdentity. */
  readonly user: string | undefined;
  /** Seconds after which the capture ends. */
  readonly duration: number | undefined;
}

/** What a command does with the packets of interfaces. */
export interface LiveReader {
  /** Called once, while leek still has the rights that it was started with: files are made here, for who it becomes. */
  open(source: LiveSource, identity: Identity | undefined): Promise<void>;
  /** Called for each packet. Returns false to end the capture. */
  packet(packet: CapturedPacket): boolean;
  /**
   * Called when all packets that have come were taken: what people wait for should go out now. Returns false to end
   * the capture.
   */
  batch(): boolean;
}

/** How a live capture ended. */
export interface LiveEnd {
  /** The source, closed, with its final counters. */
  readonly source: LiveSource;
  /** What an interface did, in order. */
  readonly events: readonly LiveEvent[];
}

/**
 * Captures until the reader has enough, the time is over, Ctrl-C or SIGTERM comes, or no interface is left.
 *
 * @throws {LeekError} see openLive, findIdentity and becomeUser; and whatever the reader throws.
 */
export async function readLive(settings: LiveSettings, reader: LiveReader): Promise<LiveEnd> {
  const { user, duration, ...options } = settings;
  const identity = findIdentity(user);
  const events: LiveEvent[] = [];
  const onEvent = (event: LiveEvent) => {
    events.push(event);
    say(`${new Date().toISOString()} ${event.message}`);
  };
  const source = await openLive({ ...options, worker: CAPTURE_WORKER, onEvent, now: Date.now });
  const interrupt = new Interrupt(() => source.stop());
  const timer = duration === undefined ? undefined : setTimeout(() => source.stop(), duration * 1000);
  try {
    await reader.open(source, identity);
    if (identity !== undefined) becomeUser(identity);
    const packet = new CapturedPacket();
    let more = true;
    while (more && (await source.fill())) {
      while (more && source.next(packet)) more = reader.packet(packet);
      more = reader.batch() && more;
      // Where packets never cease, promises alone would never let signals, timers and answers have their turn.
      await nextTurn();
    }
    source.stop();
    // What is left is not wanted, but the counters are final only at the end.
    while (await source.fill()) while (source.next(packet));
    return { source, events };
  } finally {
    clearTimeout(timer);
    interrupt.dispose();
    await source.close();
  }
}
