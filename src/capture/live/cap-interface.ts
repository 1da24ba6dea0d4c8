import { createRequire } from "node:module";
import { escapeText, LeekError, LinkType } from "../../base/index.js";
import type { LoadedBytes } from "../byte-window.js";
import { captureFailed, checkExpressionOfAnyVersion, noPermission } from "../libpcap/index.js";
import type { LiveBytes } from "./live-bytes.js";
import type { LiveOptions } from "./live-options.js";

/** What leek uses of the npm package `cap`. */
export interface Cap {
  /** @returns A name for the link type; undefined for one that cap does not know. */
  open(device: string, filter: string, bufferBytes: number, packet: Buffer): string | undefined;
  on(event: "packet", listener: (length: number, truncated: boolean) => void): void;
  close(): void;
}

export interface CapModule {
  readonly Cap: new () => Cap;
}

/** The snaplen of `cap`, which cannot be changed. */
const SNAPLEN = 65_535;
const RECORD_HEADER_BYTES = 16;
/** Of each of two buffers. */
const QUEUE_BYTES = 16 << 20;

const LINK_TYPES: Readonly<Record<string, number>> = {
  NULL: LinkType.NULL,
  ETHERNET: LinkType.EN10MB,
  IEEE802_11_RADIO: LinkType.IEEE802_11_RADIO,
  LINKTYPE_LINUX_SLL: LinkType.LINUX_SLL,
  RAW: LinkType.RAW,
};

/**
 * Opens an interface with the npm package `cap`: one call of JavaScript for each packet, no time stamps of the kernel,
 * no length of packets beyond the snaplen, and no counters of lost packets.
 *
 * @throws {LeekError} LEEK_CAP_MISSING; LEEK_CAPTURE_PERMISSION; LEEK_CAPTURE_FAILED with what cap says.
 */
export function openCap(
  name: string,
  options: LiveOptions,
  load: () => CapModule = () => createRequire(import.meta.url)("cap"),
): LiveBytes {
  // This backend is for systems where leek's own libpcap cannot be loaded to ask for its version.
  if (options.expression !== undefined) checkExpressionOfAnyVersion(options.expression);
  const cap = newCap(load);
  // Held as long as the capture: cap itself lets go of it, and would write into freed memory.
  const packet = Buffer.alloc(SNAPLEN);
  const linkName = openDevice(cap, name, options, packet);
  const linkType = LINK_TYPES[linkName ?? ""];
  if (linkType === undefined) {
    cap.close();
    throw captureFailed(name, "the backend cap does not know its link type.");
  }
  return new CapInterface(cap, packet, linkType, options);
}

function newCap(load: () => CapModule): Cap {
  try {
    return new (load().Cap)();
  } catch (cause) {
    throw new LeekError("LEEK_CAP_MISSING", "unavailable", "The backend cap needs the npm package of that name.", {
      cause,
      hint: "Install it next to leek: npm install -g cap (it takes a compiler and libpcap's headers).",
    });
  }
}

/**
 * Held for ever: where the opening failed, cap 0.2.1's destructor and its `close` stop a handle of libuv that was never
 * made, which ends the process.
 */
const refused: Cap[] = [];

function openDevice(cap: Cap, name: string, options: LiveOptions, packet: Buffer): string | undefined {
  try {
    return cap.open(name, options.expression ?? "", options.bufferBytes, packet);
  } catch (cause) {
    refused.push(cap);
    const reason = cause instanceof Error ? cause.message : String(cause);
    // cap gives libpcap's words, without a code.
    if (/permission|not permitted/i.test(reason)) throw noPermission(name);
    const message = `Cannot capture on ${escapeText(name)}; cap says: ${escapeText(reason)}`;
    throw new LeekError("LEEK_CAPTURE_FAILED", "unavailable", message, {
      cause,
      hint: "The backend libpcap tells more.",
    });
  }
}

/** Two buffers that take turns: one is read while packets come into the other. */
class CapInterface implements LiveBytes {
  readonly window: CapWindow;
  readonly statistics = undefined;
  readonly failure = undefined;
  readonly #cap: Cap;
  #open = true;

  constructor(cap: Cap, packet: Buffer, linkType: number, { snaplen, now = () => 0 }: LiveOptions) {
    this.#cap = cap;
    this.window = new CapWindow(linkType, Math.min(SNAPLEN, snaplen));
    cap.on("packet", (length) => {
      if (this.#open) this.window.put(packet, Math.min(length, packet.length), snaplen, now());
    });
  }

  get bytesRead(): number {
    return this.window.offset;
  }

  get lost(): number {
    return this.window.lost;
  }

  stop(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#cap.close();
    this.window.finish();
  }

  async close(): Promise<void> {
    this.stop();
  }
}

/** Packets as they came, as records of a classic pcap file. */
class CapWindow implements LoadedBytes {
  bytes: Uint8Array;
  view: DataView;
  position = 0;
  end: number;
  readonly corruption = undefined;
  lost = 0;
  #incoming: Uint8Array = new Uint8Array(QUEUE_BYTES);
  #incomingView: DataView = new DataView(this.#incoming.buffer);
  #incomingEnd = 0;
  #ended = false;
  #before = 0;
  #wake: () => void = () => {};

  constructor(linkType: number, snaplen: number) {
    this.bytes = new Uint8Array(QUEUE_BYTES);
    this.view = new DataView(this.bytes.buffer);
    this.end = putFileHeader(this.view, linkType, snaplen);
  }

  get offset(): number {
    return this.#before + this.position;
  }

  /** @param milliseconds - Since 1970-01-01 UTC. */
  put(packet: Uint8Array, length: number, snaplen: number, milliseconds: number): void {
    const kept = Math.min(length, snaplen);
    const at = this.#incomingEnd;
    if (at + RECORD_HEADER_BYTES + kept > QUEUE_BYTES) {
      this.lost++;
      return;
    }
    const seconds = Math.floor(milliseconds / 1000);
    this.#incomingView.setUint32(at, seconds, true);
    this.#incomingView.setUint32(at + 4, Math.floor((milliseconds - seconds * 1000) * 1000), true);
    this.#incomingView.setUint32(at + 8, kept, true);
    this.#incomingView.setUint32(at + 12, length, true);
    this.#incoming.set(packet.subarray(0, kept), at + RECORD_HEADER_BYTES);
    this.#incomingEnd = at + RECORD_HEADER_BYTES + kept;
    this.#wake();
  }

  finish(): void {
    this.#ended = true;
    this.#wake();
  }

  async fill(need: number): Promise<boolean> {
    if (this.end - this.position >= need) return true;
    this.#before += this.end;
    this.position = 0;
    this.end = 0;
    while (this.#incomingEnd === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    [this.bytes, this.#incoming] = [this.#incoming, this.bytes];
    [this.view, this.#incomingView] = [this.#incomingView, this.view];
    this.end = this.#incomingEnd;
    this.#incomingEnd = 0;
    return this.end > 0;
  }
}

/** With microseconds. Source: draft-ietf-opsawg-pcap §4. @returns Its length. */
function putFileHeader(view: DataView, linkType: number, snaplen: number): number {
  view.setUint32(0, 0xa1b2_c3d4, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snaplen, true);
  view.setUint32(20, linkType, true);
  return 24;
}
