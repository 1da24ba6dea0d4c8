import { escapeText, LeekError, LinkType, linkTypeName } from "../../base/index.js";
import { findResolvedName } from "./expression-names.js";
import type { Pointer } from "./koffi.js";
import { type Libpcap, loadLibpcap, type RawBpfProgram } from "./library.js";

/** One instruction of a classic BPF program, as `struct bpf_insn` has it. */
export interface BpfInstruction {
  /** 16 bits. */
  readonly code: number;
  /** Instructions to skip when a jump's condition holds, and when it does not; 8 bits each. */
  readonly jt: number;
  readonly jf: number;
  /** 32 bits, unsigned. */
  readonly k: number;
}

export interface CompileOptions {
  /** LINKTYPE_ number of the packets; programs are tied to it, because offsets differ. */
  readonly linkType: number;
  /**
   * Byte order of the capture's writer, which LINKTYPE_NULL's address family is in.
   *
   * @default "little"
   */
  readonly byteOrder?: "little" | "big";
}

// Greatest snapshot length there is. A program returns it for packets that match; nothing else depends on it.
const SNAPLEN = 262_144;
/** So that `ip broadcast` is refused: no capture says which netmask its network had. */
export const PCAP_NETMASK_UNKNOWN = 0xffff_ffff;
export const PCAP_ERRBUF_BYTES = 256;
const FILE_HEADER_BYTES = 24;
const BPF_INSTRUCTION_BYTES = 8;
// libpcap's optimizer takes quadratic time: for 4,096 characters of `port A or port B ...` 5 s, for 8,192 46 s.
const MAX_OPTIMIZED_CHARACTERS = 4_096;
// Without it the rest takes quadratic time too (7 s for 8,192 characters), and recursion: 2,000 hosts overflow the
// stack of 2 MiB that koffi gives to C.
const MAX_CHARACTERS = 8_192;

const REJECT_ALL: readonly BpfInstruction[] = [{ code: 0x06, jt: 0, jf: 0, k: 0 }];

/**
 * Compiles a pcap-filter expression for packets of a capture, as `tcpdump -r` would. An empty expression accepts all.
 *
 * Nothing is looked up on the network: a name that would be is refused beforehand.
 *
 * @throws {LeekError} LEEK_LIBPCAP_MISSING; LEEK_FILTER_HOST_NAME for a name that libpcap would look up;
 *   LEEK_FILTER_TOO_LONG; LEEK_FILTER_LINK_TYPE for an expression that makes sense, but not on this link type; LEEK_FILTER_SYNTAX for any
 *   other that libpcap refuses.
 */
export function compileExpression(expression: string, options: CompileOptions): readonly BpfInstruction[] {
  const libpcap = loadLibpcap();
  check(libpcap, expression);
  const result = compileOn(libpcap, expression, options);
  if (typeof result !== "string") return result;
  // On a link that carries one IP version only, `ip6` or `arp` is no mistake; such links come beside others.
  const oneVersionOnly = options.linkType === LinkType.IPV4 || options.linkType === LinkType.IPV6;
  if (oneVersionOnly && result.includes("rejects all packets")) return REJECT_ALL;
  throw refusal(libpcap, expression, options.linkType, result);
}

/**
 * Refuses what compileExpression would refuse on every link type and without asking libpcap: to be called before the
 * capture's link types are known.
 *
 * @throws {LeekError} LEEK_LIBPCAP_MISSING; LEEK_FILTER_HOST_NAME; LEEK_FILTER_TOO_LONG.
 */
export function checkExpression(expression: string): void {
  check(loadLibpcap(), expression);
}

/** The same for a libpcap that others call, of whatever version. @throws {LeekError} as `checkExpression`. */
export function checkExpressionOfAnyVersion(expression: string): void {
  check({ version: undefined }, expression);
}

/**
 * Refuses, beside what checkExpression refuses, what is wrong on every link of a live capture: to be called before an
 * interface is opened, for which rights may be missing.
 *
 * @throws {LeekError} as checkExpression; LEEK_FILTER_SYNTAX.
 */
export function checkLiveExpression(expression: string): void {
  const libpcap = loadLibpcap();
  check(libpcap, expression);
  const reasons = [LinkType.EN10MB, LinkType.LINUX_SLL2, LinkType.IEEE802_11_RADIO].map((linkType) => {
    // No file's handle, with which `inbound` would be refused; and some netmask, without which `ip broadcast` would be.
    const handle = libpcap.pcap_open_dead(linkType, SNAPLEN);
    const program = compileOnHandle(libpcap, handle, expression, 0);
    if (typeof program !== "string") libpcap.pcap_freecode(program);
    libpcap.pcap_close(handle);
    return typeof program === "string" ? program : undefined;
  });
  if (reasons.every((reason) => reason !== undefined)) throw refusal(libpcap, expression, LinkType.EN10MB, reasons[0]!);
}

function check({ version }: Pick<Libpcap, "version">, expression: string): void {
  if (expression.length > MAX_CHARACTERS) {
    const message = `Cannot use a filter of ${expression.length} characters: the limit is ${MAX_CHARACTERS}.`;
    throw new LeekError("LEEK_FILTER_TOO_LONG", "usage", message, {
      hint: "Use net and portrange in place of long lists; relays need no filter, leek knows them by the consensus.",
    });
  }
  const found = findResolvedName(expression, version?.major === 1 ? version.minor : 0);
  if (found === undefined) return;
  const what = found.name === "gateway" ? "'gateway' needs" : `"${escapeText(found.name)}" would need`;
  const message = `Cannot use filter "${escapeText(expression)}": ${what} a lookup of a host's or network's name.`;
  throw new LeekError("LEEK_FILTER_HOST_NAME", "usage", message, {
    hint: "Give addresses as numbers: leek never asks the network, since that would tell others what you look for.",
  });
}

/** @returns The program, or libpcap's message where it refuses. */
function compileOn(libpcap: Libpcap, expression: string, options: CompileOptions): readonly BpfInstruction[] | string {
  const opened = openForLinkType(libpcap, options);
  if (typeof opened === "string") return opened;
  try {
    const program = compileOnHandle(libpcap, opened, expression, PCAP_NETMASK_UNKNOWN);
    if (typeof program === "string") return program;
    try {
      return readInstructions(libpcap, program);
    } finally {
      libpcap.pcap_freecode(program);
    }
  } finally {
    libpcap.pcap_close(opened);
  }
}

/** @returns The program, for pcap_freecode in the end, or libpcap's message where it refuses. */
export function compileOnHandle(
  libpcap: Libpcap,
  handle: Pointer,
  expression: string,
  netmask: number,
): RawBpfProgram | string {
  const program: Partial<RawBpfProgram> = {};
  const optimize = expression.length <= MAX_OPTIMIZED_CHARACTERS ? 1 : 0;
  if (libpcap.pcap_compile(handle, program, expression, optimize, netmask) !== 0) return libpcap.pcap_geterr(handle);
  return program as RawBpfProgram;
}

/**
 * A handle that pcap_compile takes for an open capture file: only then does it accept every system's AF_INET6 in
 * LINKTYPE_NULL, know the writer's byte order, and refuse `inbound` where a file cannot tell.
 *
 * @returns libpcap's message where it does not know the link type.
 */
function openForLinkType(libpcap: Libpcap, options: CompileOptions): Pointer | string {
  const linkType = standardLinkType(options.linkType);
  const { koffi, files } = libpcap;
  if (files === undefined) return libpcap.pcap_open_dead(systemLinkType(linkType, options.byteOrder), SNAPLEN);

  const header = fileHeader(linkType, options.byteOrder ?? "little");
  // Memory of C: small typed arrays live in the JavaScript heap, which moves them.
  const memory = koffi.alloc("uint8_t", header.length);
  try {
    koffi.encode(memory, koffi.array("uint8_t", header.length), header);
    const file = files.fmemopen(memory, header.length, "rb");
    if (file === null) return "fmemopen failed";
    const errorText = Buffer.alloc(PCAP_ERRBUF_BYTES);
    const handle = files.pcap_fopen_offline(file, errorText);
    if (handle !== null) return handle;
    files.fclose(file);
    return errorText.toString("utf8", 0, errorText.indexOf(0));
  } finally {
    // The header has been read; nothing reads the file again before pcap_close, which closes it.
    koffi.free(memory);
  }
}

/** The registered number for the system-dependent ones that careless writers put into files. */
function standardLinkType(linkType: number): number {
  return linkType === LinkType.RAW_DLT || linkType === LinkType.RAW_OPENBSD ? LinkType.RAW : linkType;
}

/** The DLT_ number of systems without fmemopen, which is Windows. They differ from files' numbers for raw IP. */
function systemLinkType(linkType: number, byteOrder: CompileOptions["byteOrder"]): number {
  if (linkType === LinkType.RAW) return 12;
  // LOOP is NULL with its address family in network order.
  return linkType === LinkType.NULL && byteOrder === "big" ? LinkType.LOOP : linkType;
}

/** Of a classic pcap file. Source: draft-ietf-opsawg-pcap §4. */
function fileHeader(linkType: number, byteOrder: "little" | "big"): Uint8Array {
  const view = new DataView(new ArrayBuffer(FILE_HEADER_BYTES));
  const little = byteOrder === "little";
  view.setUint32(0, 0xa1b2_c3d4, little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, SNAPLEN, little);
  view.setUint32(20, linkType, little);
  return new Uint8Array(view.buffer);
}

function readInstructions({ koffi }: Libpcap, program: RawBpfProgram): readonly BpfInstruction[] {
  const type = koffi.array("uint8_t", program.bf_len * BPF_INSTRUCTION_BYTES, "Typed");
  const bytes = koffi.decode(program.bf_insns, type) as Uint8Array;
  // struct bpf_insn is in the machine's byte order, as 16- and 32-bit arrays are.
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  return Array.from({ length: program.bf_len }, (_, index) => ({
    code: halves[index * 4]!,
    jt: bytes[index * 8 + 2]!,
    jf: bytes[index * 8 + 3]!,
    k: words[index * 2 + 1]!,
  }));
}

/** What to say of an expression that libpcap refused for packets of a link type. */
export function refusal(libpcap: Libpcap, expression: string, linkType: number, reason: string): LeekError {
  const quoted = `"${escapeText(expression)}"`;
  const link = linkTypeName(linkType);
  const says = `libpcap says: ${escapeText(reason)}`;
  const worksOn = [LinkType.EN10MB, LinkType.IEEE802_11_RADIO].find(
    (other) => other !== linkType && typeof compileOn(libpcap, expression, { linkType: other }) !== "string",
  );
  if (worksOn !== undefined) {
    return new LeekError("LEEK_FILTER_LINK_TYPE", "usage", `Cannot use filter ${quoted} on ${link} packets; ${says}.`, {
      hint: `It works on ${linkTypeName(worksOn)}, but ${link} packets have other headers: filter by what they have.`,
    });
  }
  return new LeekError("LEEK_FILTER_SYNTAX", "usage", `Cannot use filter ${quoted}; ${says}.`, {
    hint: "See man pcap-filter for the syntax.",
  });
}
