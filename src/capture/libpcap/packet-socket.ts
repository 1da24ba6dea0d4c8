import { platform } from "node:os";
import type { Koffi } from "./koffi.js";
import type { LibpcapLive } from "./live-functions.js";

// Of Linux: socket(7), packet(7). On other systems nothing here is called.
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;
const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
/** `ret #0`, as `struct sock_filter` has it. */
const REJECT_ALL = Uint8Array.of(0x06, 0, 0, 0, 0, 0, 0, 0);

/** What libpcap does not offer of the packet socket that it captures by. Needs no rights. */
export class PacketSocket {
  readonly #isLinux = platform() === "linux";

  constructor(
    private readonly koffi: Koffi,
    private readonly live: LibpcapLive,
    private readonly descriptor: number,
  ) {}

  /** Lets the kernel take no more packets. @returns false where that cannot be done. */
  rejectAll(): boolean {
    const { koffi } = this;
    const programType = koffi.struct({ len: "uint16_t", filter: "void *" });
    const filter = koffi.alloc("uint8_t", REJECT_ALL.length);
    const program = koffi.alloc(programType, 1);
    try {
      koffi.encode(filter, koffi.array("uint8_t", REJECT_ALL.length), REJECT_ALL);
      koffi.encode(program, programType, { len: 1, filter });
      const bytes = new Uint8Array(koffi.view(program, koffi.sizeof(programType)));
      return this.#set(SOL_SOCKET, SO_ATTACH_FILTER, bytes);
    } finally {
      koffi.free(program);
      koffi.free(filter);
    }
  }

  /** Takes back `rejectAll`, and every other filter. */
  acceptAll(): void {
    this.#set(SOL_SOCKET, SO_DETACH_FILTER, Int32Array.of(0));
  }

  /** Takes packets only as they come in. Linux 4.20 and later; elsewhere nothing changes. */
  ignoreOutgoing(): void {
    this.#set(SOL_PACKET, PACKET_IGNORE_OUTGOING, Int32Array.of(1));
  }

  #set(level: number, option: number, value: Int32Array | Uint8Array): boolean {
    return this.#isLinux && this.live.setsockopt(this.descriptor, level, option, value, value.byteLength) === 0;
  }
}
