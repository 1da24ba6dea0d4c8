import { LeekError, LinkType } from "../../base/index.js";
import { checkLiveExpression, compileOnHandle, PCAP_ERRBUF_BYTES, PCAP_NETMASK_UNKNOWN, refusal } from "./compile.js";
import type { Pointer } from "./koffi.js";
import { type Libpcap, loadLibpcap, type RawBpfProgram } from "./library.js";
import { LinkState, type LinkStateName } from "./link-state.js";
import { Activation, activationError, captureFailed } from "./live-errors.js";
import type { LibpcapLive } from "./live-functions.js";
import { PacketSocket } from "./packet-socket.js";

export interface LiveHandleOptions {
  /** As the system calls it, or `any`. */
  readonly interface: string;
  /** In pcap-filter syntax; run by the kernel. */
  readonly expression: string | undefined;
  /** Bytes kept of a packet, 1 to 262,144. */
  readonly snaplen: number;
  readonly promiscuous: boolean;
  /** Whether the kernel hands over each packet at once, instead of blocks of them. */
  readonly immediate: boolean;
  /** Bytes of the kernel's buffer. */
  readonly bufferBytes: number;
}

/** What was counted since the opening. In the end, received = taken + dropped by the
 * kernel; only of `any`, the kernel receives twice what goes over the loopback, and it is taken once. */
export interface LiveStatistics {
  /** Packets that passed the filter, those that were then dropped for lack of buffer included. */
  readonly received: number;
  /** Dropped because the kernel's buffer was full. */
  readonly droppedByKernel: number;
  /** Lost by the interface or its driver. */
  readonly droppedByInterface: number;
}

/** An open interface, and what libpcap warned of. */
export interface OpenedHandle {
  readonly handle: LiveHandle;
  readonly warnings: readonly string[];
}

/** How long the kernel may keep a block of packets back. A line should come within 200 ms of its packet. */
const BLOCK_TIMEOUT_MS = 50;
/** After that long without a block, none is left: the kernel looks once in each timeout, and may pass over a block once. */
export const LAST_BLOCK_MS = 3 * BLOCK_TIMEOUT_MS;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** glibc's memory streams write a zero behind what they hold. */
const STREAM_END_BYTES = 1;
/** In the file header, in words of the machine's byte order. */
const LINK_TYPE_WORD = 5;
const PRECISION_NANO = 1;
const IONBF = 2;
const POLLIN = 1;

/** Memory that packets are put into, as C's stdio sees it. */
interface Slot {
  readonly memory: Uint8Array;
  readonly file: Pointer;
  length: number;
}

/**
 * An interface opened with libpcap. Not for the main thread: `wait` blocks.
 *
 * @example
 * const { handle } = openLiveHandle(options, [memory]);
 * handle.begin(0);
 * while (handle.take() === "some") {}
 * use(memory.subarray(0, handle.length));
 */
export class LiveHandle {
  /** The file header of the capture that the records in the slots go on with. */
  readonly header: Uint8Array<ArrayBuffer>;
  readonly #libpcap: Libpcap;
  readonly #live: LibpcapLive;
  readonly #handle: Pointer;
  readonly #options: LiveHandleOptions;
  readonly #slots: readonly Slot[];
  #slot: Slot;
  readonly #recordBytes: number;
  readonly #link: LinkState;
  readonly #socket: PacketSocket;
  readonly #pollRequest = Buffer.alloc(8);
  /** `struct pcap_stat`, with room for what other systems add. */
  readonly #statistics = new Uint32Array(16);
  readonly #raw = new Uint32Array(3);
  readonly #totals = new Float64Array(3);
  #packetsTaken = 0;

  /** @param handle - Activated. */
  constructor(
    libpcap: Libpcap,
    live: LibpcapLive,
    handle: Pointer,
    options: LiveHandleOptions,
    memories: readonly Uint8Array[],
  ) {
    this.#libpcap = libpcap;
    this.#live = live;
    this.#handle = handle;
    this.#options = options;
    this.#recordBytes = RECORD_HEADER_BYTES + options.snaplen;
    const descriptor = live.pcap_get_selectable_fd(handle);
    this.#pollRequest.writeInt32LE(descriptor, 0);
    this.#pollRequest.writeInt16LE(POLLIN, 4);
    this.#socket = new PacketSocket(libpcap.koffi, live, descriptor);
    this.#link = new LinkState(live, descriptor, options.interface);
    this.#slots = memories.map((memory) => {
      const file = live.fmemopen(libpcap.koffi.address(memory), memory.length, "w+");
      // Straight into the slot: a buffer of stdio's own would be one more copy of every packet.
      live.setvbuf(file, null, IONBF, 0);
      return { memory, file, length: 0 };
    });
    this.#slot = this.#slots[0]!;
    // libpcap itself says so which of the numbers for files its own one is, and whether times are in nanoseconds.
    if (live.pcap_dump_fopen(handle, this.#slot.file) === null) throw this.#failure();
    this.header = Uint8Array.from(this.#slot.memory.subarray(0, FILE_HEADER_BYTES));
  }

  /** Bytes in the present slot: whole records of a classic pcap file. */
  get length(): number {
    return this.#slot.length;
  }

  /** Whether, after `rejectAll`, every packet was taken that the kernel did not drop. */
  get drained(): boolean {
    const { received, droppedByKernel } = this.statistics();
    return this.#packetsTaken >= received - droppedByKernel;
  }

  /** Begins to fill a slot anew. */
  begin(slot: number): void {
    this.#slot = this.#slots[slot]!;
    this.#slot.length = 0;
    this.#live.rewind(this.#slot.file);
  }

  /**
   * Makes the kernel take the packets that are wanted, and no others, from now on. What came before is forgotten: it was
   * not chosen, and would be counted as received for ever.
   *
   * @throws {LeekError} as compileExpression.
   */
  choose(expression: string | undefined): void {
    // libpcap shows what goes over the loopback once, as it comes in; but the kernel would store and count it twice.
    const isLoopback = this.#link.isLoopback;
    if (expression === undefined && !isLoopback) return;
    const program = expression === undefined ? undefined : this.#compile(expression);
    try {
      if (isLoopback) this.#socket.ignoreOutgoing();
      if (this.rejectAll()) this.#takeRest();
      this.statistics();
      this.#totals.fill(0);
      this.#packetsTaken = 0;
      if (program === undefined) this.#socket.acceptAll();
      else if (this.#live.pcap_setfilter(this.#handle, program) !== 0) throw this.#failure();
    } finally {
      if (program !== undefined) this.#libpcap.pcap_freecode(program);
    }
  }

  /**
   * Puts packets that are there into the present slot, without waiting. Never more than are sure to fit at full snaplen:
   * what does not fit would be lost unseen.
   *
   * @returns "none" when no packet is there, "full" when the slot may not hold another one.
   * @throws {LeekError} LEEK_CAPTURE_FAILED when there is no more to be had.
   */
  take(): "some" | "none" | "full" {
    const slot = this.#slot;
    const room = slot.memory.length - slot.length - STREAM_END_BYTES;
    const most = Math.floor(room / this.#recordBytes);
    if (most === 0) return "full";
    const live = this.#live;
    const packets = live.pcap_dispatch(this.#handle, most, live.pcap_dump, slot.file);
    if (packets === 0) return "none";
    if (packets < 0) throw this.#failure();
    const length = live.ftell(slot.file);
    if (length < slot.length + packets * RECORD_HEADER_BYTES) {
      throw captureFailed(this.#options.interface, "packets were not stored whole");
    }
    slot.length = length;
    this.#packetsTaken += packets;
    return "some";
  }

  /** Waits until packets are there, for some milliseconds at most. @returns Whether some may be there. */
  wait(milliseconds: number): boolean {
    return this.#live.poll(this.#pollRequest, 1, milliseconds) > 0;
  }

  /**
   * Lets the kernel take no more packets, so that what it has taken can be read to its end, and counters are exact.
   *
   * @returns false where that cannot be done: on systems other than Linux.
   */
  rejectAll(): boolean {
    return this.#socket.rejectAll();
  }

  /** To be called before a counter can have gone round twice, which at 32 bits takes minutes at the least. */
  statistics(): LiveStatistics {
    if (this.#live.pcap_stats(this.#handle, this.#statistics) === 0) {
      for (let i = 0; i < 3; i++) {
        const now = this.#statistics[i]!;
        this.#totals[i]! += (now - this.#raw[i]!) >>> 0;
        this.#raw[i] = now;
      }
    }
    const [received, droppedByKernel, droppedByInterface] = this.#totals;
    return { received: received!, droppedByKernel: droppedByKernel!, droppedByInterface: droppedByInterface! };
  }

  /** @returns undefined where that cannot be told, as for `any`. */
  linkState(): LinkStateName | undefined {
    return this.#link.now();
  }

  close(): void {
    for (const { file } of this.#slots) this.#live.fclose(file);
    this.#libpcap.pcap_close(this.#handle);
  }

  /** Takes all that the kernel still holds after `rejectAll`, and forgets it. */
  #takeRest(): void {
    do {
      do this.begin(0);
      while (this.take() === "some");
    } while (!this.drained && this.wait(LAST_BLOCK_MS));
    this.begin(0);
  }

  #compile(expression: string): RawBpfProgram {
    const program = compileOnHandle(this.#libpcap, this.#handle, expression, this.#netmask());
    if (typeof program !== "string") return program;
    const linkType = new Uint32Array(this.header.buffer)[LINK_TYPE_WORD]! & 0xffff;
    throw refusal(this.#libpcap, expression, linkType, program);
  }

  /** So that `ip broadcast` has a meaning. */
  #netmask(): number {
    const mask = Buffer.alloc(4);
    const known = this.#live.pcap_lookupnet(
      this.#options.interface,
      Buffer.alloc(4),
      mask,
      Buffer.alloc(PCAP_ERRBUF_BYTES),
    );
    return known === 0 ? new Uint32Array(mask.buffer, mask.byteOffset, 1)[0]! : PCAP_NETMASK_UNKNOWN;
  }

  #failure(): LeekError {
    return captureFailed(this.#options.interface, this.#libpcap.pcap_geterr(this.#handle));
  }
}

/**
 * Opens an interface. Everything that takes rights is done when this returns.
 *
 * @param memories - The slots that packets are put into, each with room for a packet of full snaplen. Shared memory, or
 *   some other that does not move, and that lives as long as the handle.
 * @throws {LeekError} LEEK_LIBPCAP_MISSING; LEEK_INTERFACE_NOT_FOUND; LEEK_CAPTURE_PERMISSION; LEEK_INTERFACE_DOWN;
 *   LEEK_CAPTURE_FAILED; as compileExpression for the filter.
 */
export function openLiveHandle(options: LiveHandleOptions, memories: readonly Uint8Array[]): OpenedHandle {
  const libpcap = loadLibpcap();
  // Before anything else: a wrong expression is the user's mistake, whatever rights there are.
  if (options.expression !== undefined) checkLiveExpression(options.expression);
  const live = liveFunctions(libpcap);
  const warnings: string[] = [];
  let opened = activate(live, options, options.promiscuous);
  if (opened.status === Activation.PromiscuousPermissionDenied) {
    libpcap.pcap_close(opened.handle);
    warnings.push("No permission for promiscuous mode: only packets from and to this machine are captured.");
    opened = activate(live, options, false);
  }
  const { handle, status } = opened;
  let result: LiveHandle | undefined;
  try {
    const text = libpcap.pcap_geterr(handle) || live.pcap_statustostr(status);
    if (status < 0) throw activationError(options.interface, status, text);
    if (status > 0) warnings.push(`libpcap warns: ${text}.`);
    const errorText = Buffer.alloc(PCAP_ERRBUF_BYTES);
    // Version 2 of cooked headers, as tcpdump takes it, says by which interface; older versions of libpcap lack it.
    if (options.interface === "any") live.pcap_set_datalink(handle, LinkType.LINUX_SLL2);
    if (live.pcap_setnonblock(handle, 1, errorText) !== 0) throw captureFailed(options.interface, textOf(errorText));
    result = new LiveHandle(libpcap, live, handle, options, memories);
    result.choose(options.expression);
    return { handle: result, warnings };
  } catch (error) {
    if (result === undefined) libpcap.pcap_close(handle);
    else result.close();
    throw error;
  }
}

function liveFunctions(libpcap: Libpcap): LibpcapLive {
  try {
    return libpcap.live();
  } catch (cause) {
    const message = "Cannot capture: this system's libpcap or C library lacks what a live capture needs.";
    throw new LeekError("LEEK_CAPTURE_UNSUPPORTED", "unavailable", message, {
      cause,
      hint: "Use libpcap 1.5 or later on Linux or macOS, or --backend cap.",
    });
  }
}

function activate(live: LibpcapLive, options: LiveHandleOptions, promiscuous: boolean) {
  const errorText = Buffer.alloc(PCAP_ERRBUF_BYTES);
  const handle = live.pcap_create(options.interface, errorText);
  if (handle === null) throw captureFailed(options.interface, textOf(errorText));
  live.pcap_set_snaplen(handle, options.snaplen);
  // Of all interfaces at once there is no promiscuous mode, and libpcap warns of it.
  live.pcap_set_promisc(handle, promiscuous && options.interface !== "any" ? 1 : 0);
  live.pcap_set_timeout(handle, BLOCK_TIMEOUT_MS);
  live.pcap_set_immediate_mode(handle, options.immediate ? 1 : 0);
  live.pcap_set_buffer_size(handle, options.bufferBytes);
  // Refused where the interface has microseconds only; the file header then says so.
  live.pcap_set_tstamp_precision(handle, PRECISION_NANO);
  return { handle, status: live.pcap_activate(handle) };
}

/** Text of C. */
function textOf(buffer: Buffer): string {
  return buffer.toString("utf8", 0, buffer.indexOf(0));
}
