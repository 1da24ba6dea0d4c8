import { platform } from "node:os";
import type { LibpcapLive } from "./live-functions.js";

export type LinkStateName = "up" | "down" | "gone";

// netdevice(7), on Linux: struct ifreq is a name of 16 bytes, and what is asked for behind it.
const SIOCGIFNAME = 0x8910;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFINDEX = 0x8933;
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;
const IFF_UP = 1;
const IFF_LOOPBACK = 8;

/**
 * Tells whether an interface is up. It asks the kernel by a socket, not /sys, which may show another network namespace,
 * and by the interface's index, for the name may change during a capture. No rights are needed.
 */
export class LinkState {
  readonly #request = Buffer.alloc(IFREQ_BYTES);
  readonly #index: number;

  /** @param descriptor - Any socket: the network namespace is the one that it was made in. */
  constructor(
    private readonly live: LibpcapLive,
    private readonly descriptor: number,
    name: string,
  ) {
    const bytes = Buffer.from(name);
    this.#request.set(bytes.subarray(0, NAME_BYTES - 1));
    const known = platform() === "linux" && bytes.length < NAME_BYTES && this.#ask(SIOCGIFINDEX);
    this.#index = known ? this.#request.readInt32LE(NAME_BYTES) : 0;
  }

  get isLoopback(): boolean {
    const flags = this.#flags();
    return flags !== undefined && (flags & IFF_LOOPBACK) !== 0;
  }

  /** @returns undefined for what is no interface of the system, as `any`, and on systems other than Linux. */
  now(): LinkStateName | undefined {
    if (this.#index === 0) return undefined;
    const flags = this.#flags();
    if (flags === undefined) return "gone";
    return (flags & IFF_UP) === 0 ? "down" : "up";
  }

  #flags(): number | undefined {
    if (this.#index === 0) return undefined;
    this.#request.fill(0);
    this.#request.writeInt32LE(this.#index, NAME_BYTES);
    const known = this.#ask(SIOCGIFNAME) && this.#ask(SIOCGIFFLAGS);
    return known ? this.#request.readUInt16LE(NAME_BYTES) : undefined;
  }

  #ask(question: number): boolean {
    return this.live.ioctl(this.descriptor, question, this.#request) === 0;
  }
}
