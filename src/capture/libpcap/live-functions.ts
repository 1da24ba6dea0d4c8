import type { Koffi, Pointer } from "./koffi.js";

/** The functions of libpcap and of the C library that a live capture calls, under their C names. */
export interface LibpcapLive {
  readonly pcap_create: (source: string, errorText: Buffer) => Pointer;
  readonly pcap_set_snaplen: (handle: Pointer, bytes: number) => number;
  readonly pcap_set_promisc: (handle: Pointer, on: number) => number;
  readonly pcap_set_timeout: (handle: Pointer, milliseconds: number) => number;
  readonly pcap_set_immediate_mode: (handle: Pointer, on: number) => number;
  readonly pcap_set_buffer_size: (handle: Pointer, bytes: number) => number;
  readonly pcap_set_tstamp_precision: (handle: Pointer, precision: number) => number;
  readonly pcap_activate: (handle: Pointer) => number;
  readonly pcap_setnonblock: (handle: Pointer, on: number, errorText: Buffer) => number;
  readonly pcap_setfilter: (handle: Pointer, program: object) => number;
  readonly pcap_set_datalink: (handle: Pointer, linkType: number) => number;
  readonly pcap_lookupnet: (source: string, net: Buffer, mask: Buffer, errorText: Buffer) => number;
  readonly pcap_get_selectable_fd: (handle: Pointer) => number;
  readonly pcap_dump_fopen: (handle: Pointer, file: Pointer) => Pointer;
  readonly pcap_dispatch: (handle: Pointer, packets: number, callback: Pointer, user: Pointer) => number;
  readonly pcap_stats: (handle: Pointer, statistics: Uint32Array) => number;
  readonly pcap_statustostr: (status: number) => string;
  /** The address of pcap_dump(), as a callback for pcap_dispatch: packets are then moved by C alone. */
  readonly pcap_dump: Pointer;
  readonly fmemopen: (memory: Pointer, length: number, mode: string) => Pointer;
  readonly setvbuf: (file: Pointer, buffer: Pointer, mode: number, size: number) => number;
  readonly fflush: (file: Pointer) => number;
  readonly ftell: (file: Pointer) => number;
  readonly rewind: (file: Pointer) => void;
  readonly fclose: (file: Pointer) => number;
  readonly poll: (descriptors: Buffer, count: number, milliseconds: number) => number;
  readonly ioctl: (descriptor: number, request: number, argument: Buffer) => number;
  readonly setsockopt: (
    descriptor: number,
    level: number,
    option: number,
    value: Int32Array | Uint8Array,
    length: number,
  ) => number;
}

export function declareLiveFunctions(koffi: Koffi, library: ReturnType<Koffi["load"]>): LibpcapLive {
  // Null is the process itself: its C library, whatever that is called.
  const c = koffi.load(null);
  const handleAndInt = ["void *", "int"];
  return {
    pcap_create: library.func("pcap_create", "void *", ["str", "void *"]),
    pcap_set_snaplen: library.func("pcap_set_snaplen", "int", handleAndInt),
    pcap_set_promisc: library.func("pcap_set_promisc", "int", handleAndInt),
    pcap_set_timeout: library.func("pcap_set_timeout", "int", handleAndInt),
    pcap_set_immediate_mode: library.func("pcap_set_immediate_mode", "int", handleAndInt),
    pcap_set_buffer_size: library.func("pcap_set_buffer_size", "int", handleAndInt),
    pcap_set_tstamp_precision: library.func("pcap_set_tstamp_precision", "int", handleAndInt),
    pcap_activate: library.func("pcap_activate", "int", ["void *"]),
    pcap_set_datalink: library.func("pcap_set_datalink", "int", handleAndInt),
    pcap_setnonblock: library.func("pcap_setnonblock", "int", ["void *", "int", "void *"]),
    pcap_setfilter: library.func("pcap_setfilter", "int", [
      "void *",
      koffi.inout(koffi.pointer(koffi.struct({ bf_len: "uint32_t", bf_insns: "void *" }))),
    ]),
    pcap_lookupnet: library.func("pcap_lookupnet", "int", ["str", "void *", "void *", "void *"]),
    pcap_get_selectable_fd: library.func("pcap_get_selectable_fd", "int", ["void *"]),
    pcap_dump_fopen: library.func("pcap_dump_fopen", "void *", ["void *", "void *"]),
    pcap_dispatch: library.func("pcap_dispatch", "int", ["void *", "int", "void *", "void *"]),
    pcap_stats: library.func("pcap_stats", "int", ["void *", "void *"]),
    pcap_statustostr: library.func("pcap_statustostr", "str", ["int"]),
    pcap_dump: library.symbol("pcap_dump"),
    fmemopen: c.func("fmemopen", "void *", ["void *", "size_t", "str"]),
    setvbuf: c.func("setvbuf", "int", ["void *", "void *", "int", "size_t"]),
    fflush: c.func("fflush", "int", ["void *"]),
    ftell: c.func("ftell", "long", ["void *"]),
    rewind: c.func("rewind", "void", ["void *"]),
    fclose: c.func("fclose", "int", ["void *"]),
    poll: c.func("poll", "int", ["void *", "ulong", "int"]),
    ioctl: c.func("ioctl", "int", ["int", "ulong", "void *"]),
    setsockopt: c.func("setsockopt", "int", ["int", "int", "int", "void *", "uint32_t"]),
  };
}
