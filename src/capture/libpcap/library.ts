import { createRequire } from "node:module";
import { LeekError } from "../../base/index.js";
import type { Koffi, Pointer } from "./koffi.js";
import { declareLiveFunctions, type LibpcapLive } from "./live-functions.js";

/** `struct bpf_program`, filled by pcap_compile; its instructions belong to libpcap until pcap_freecode. */
export interface RawBpfProgram {
  bf_len: number;
  bf_insns: Pointer;
}

/** libpcap's C functions under their C names, so that its manual pages are this file's documentation. */
export interface Libpcap {
  readonly koffi: Koffi;
  /** For example `1.10`; undefined when pcap_lib_version() has a form that leek does not know. */
  readonly version: { readonly major: number; readonly minor: number } | undefined;
  readonly pcap_lib_version: () => string;
  readonly pcap_open_dead: (linkType: number, snaplen: number) => Pointer;
  readonly pcap_compile: (
    handle: Pointer,
    program: Partial<RawBpfProgram>,
    expression: string,
    optimize: number,
    netmask: number,
  ) => number;
  readonly pcap_freecode: (program: RawBpfProgram) => void;
  readonly pcap_geterr: (handle: Pointer) => string;
  readonly pcap_close: (handle: Pointer) => void;
  /** What lets a capture file be memory; undefined where the C library lacks fmemopen (Windows). */
  readonly files: LibpcapFiles | undefined;
  /**
   * What live captures take, declared at the call: filters must work where any of it is missing.
   *
   * @throws {Error} of koffi, naming the function that libpcap or the C library does not have.
   */
  readonly live: () => LibpcapLive;
}

export interface LibpcapFiles {
  readonly fmemopen: (memory: Pointer, length: number, mode: string) => Pointer;
  readonly fclose: (file: Pointer) => number;
  /** @param errorText - At least 256 bytes (PCAP_ERRBUF_SIZE). */
  readonly pcap_fopen_offline: (file: Pointer, errorText: Buffer) => Pointer;
}

/** libpcap as Linux distributions, macOS and Npcap call it. Debian still says .0.8, for what is 1.x. */
const LIBRARY_NAMES = ["libpcap.so.1", "libpcap.so.0.8", "libpcap.so", "libpcap.A.dylib", "wpcap.dll"];

let loaded: Libpcap | undefined;

/**
 * The system's libpcap, loaded at the first call and kept: koffi and libpcap cost some 10 ms, which a command that
 * filters nothing must not pay.
 *
 * @throws {LeekError} LEEK_LIBPCAP_MISSING.
 */
export function loadLibpcap(): Libpcap {
  loaded ??= openLibpcap(LIBRARY_NAMES, () => createRequire(import.meta.url)("koffi") as Koffi);
  return loaded;
}

/**
 * Loads the first of `names` that the system has.
 *
 * @throws {LeekError} LEEK_LIBPCAP_MISSING.
 */
export function openLibpcap(names: readonly string[], requireKoffi: () => Koffi): Libpcap {
  let koffi: Koffi;
  try {
    koffi = requireKoffi();
  } catch (cause) {
    throw new LeekError("LEEK_LIBPCAP_MISSING", "unavailable", "Cannot load koffi, which leek calls libpcap through.", {
      cause,
      hint: "Reinstall leek without --omit=optional; koffi brings its native part as an optional package.",
    });
  }
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      return declareFunctions(koffi, koffi.load(name));
    } catch (error) {
      failures.push(error);
    }
  }
  throw new LeekError("LEEK_LIBPCAP_MISSING", "unavailable", "Cannot load libpcap: the system does not have it.", {
    cause: new AggregateError(failures),
    hint: "Install it: apt-get install libpcap0.8 (Debian, Ubuntu), dnf install libpcap (Fedora), apk add libpcap (Alpine), Npcap on Windows; macOS has it.",
  });
}

function declareFunctions(koffi: Koffi, library: ReturnType<Koffi["load"]>): Libpcap {
  // Nameless: koffi keeps named types in one table per process and refuses to see a name twice.
  const programType = koffi.struct({ bf_len: "uint32_t", bf_insns: "void *" });
  const versionText = library.func("pcap_lib_version", "str", []);
  return {
    koffi,
    version: parseVersion(versionText()),
    pcap_lib_version: versionText,
    pcap_open_dead: library.func("pcap_open_dead", "void *", ["int", "int"]),
    pcap_compile: library.func("pcap_compile", "int", [
      "void *",
      koffi.out(koffi.pointer(programType)),
      "str",
      "int",
      "uint32_t",
    ]),
    pcap_freecode: library.func("pcap_freecode", "void", [koffi.inout(koffi.pointer(programType))]),
    pcap_geterr: library.func("pcap_geterr", "str", ["void *"]),
    pcap_close: library.func("pcap_close", "void", ["void *"]),
    files: declareFileFunctions(koffi, library),
    live: () => declareLiveFunctions(koffi, library),
  };
}

function declareFileFunctions(koffi: Koffi, library: ReturnType<Koffi["load"]>): LibpcapFiles | undefined {
  try {
    // Null is the process itself: its C library, whatever that is called.
    const c = koffi.load(null);
    return {
      fmemopen: c.func("fmemopen", "void *", ["void *", "size_t", "str"]),
      fclose: c.func("fclose", "int", ["void *"]),
      pcap_fopen_offline: library.func("pcap_fopen_offline", "void *", ["void *", "void *"]),
    };
  } catch {
    return undefined;
  }
}

/** From `libpcap version 1.10.3 (with TPACKET_V3)` or `Npcap version 1.79, based on libpcap version 1.10.4`. */
function parseVersion(text: string): Libpcap["version"] {
  const match = /libpcap version (\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}
