import { LeekError } from "../base/index.js";

export const PCAP_FILE_HEADER_BYTES = 24;

/** What the file header of a classic pcap file says of the records. */
export interface PcapLayout {
  readonly littleEndian: boolean;
  /** 1,000,000 or 1,000,000,000. */
  readonly unitsPerSecond: number;
  /** 16, or 24 in the modified form. */
  readonly recordHeaderBytes: number;
  /** Whether the captured and the original length have changed places: in every record, or where they seem to. */
  readonly swappedLengths: "never" | "always" | "when-captured-is-greater";
  /** As the file says; 0 or absurd in files of careless writers. */
  readonly snaplen: number;
  readonly linkType: number;
  /** True where bits of the link type word are set that should be 0. */
  readonly reservedBits: boolean;
}

const MAGIC_MICRO = 0xa1b2c3d4;
const MAGIC_NANO = 0xa1b23c4d;
const MAGIC_MODIFIED = 0xa1b2cd34;

/** Forms that libpcap knows of and does not read either. */
const REFUSED_MAGIC: ReadonlyMap<number, string> = new Map([
  [0xa1b234cd, "the nanosecond form of Kuznetzov's modified pcap"],
  [0xa12b3c4d, "a reserved variant of pcap (magic number a12b3c4d)"],
  [0xa1b2c3cb, "Navtel's variant of pcap (magic number a1b2c3cb)"],
]);

/** True when the four bytes at `offset` begin a classic pcap file, of a form that leek reads or refuses by name. */
export function hasPcapMagic(view: DataView, offset: number): boolean {
  return [view.getUint32(offset), view.getUint32(offset, true)].some(
    (magic) => magic === MAGIC_MICRO || magic === MAGIC_NANO || magic === MAGIC_MODIFIED || REFUSED_MAGIC.has(magic),
  );
}

/**
 * Reads the file header of a classic pcap file.
 *
 * Source: draft-ietf-opsawg-pcap §4; for the old versions and the modified form libpcap's sf-pcap.c.
 *
 * @param view - At least 24 bytes at `offset`, that `hasPcapMagic`.
 * @param name - The file's name, for error messages.
 * @throws {LeekError} LEEK_CAPTURE_UNSUPPORTED for reserved variants and unknown versions.
 */
export function parsePcapHeader(view: DataView, offset: number, name: string): PcapLayout {
  // magic u32 | major u16 | minor u16 | zone i32 | sigfigs u32 | snaplen u32 | link type u32
  const bigMagic = view.getUint32(offset);
  // All magic numbers begin with a1; so the writer's byte order is big exactly when a1 is the first byte.
  const littleEndian = bigMagic >>> 24 !== 0xa1;
  const magic = littleEndian ? view.getUint32(offset, true) : bigMagic;
  const refused = REFUSED_MAGIC.get(magic);
  if (refused !== undefined) throw unsupported(name, refused);
  const major = view.getUint16(offset + 4, littleEndian);
  const minor = view.getUint16(offset + 6, littleEndian);
  if (!(major === 2 && minor <= 4) && !(major === 543 && minor === 0)) {
    throw unsupported(name, `pcap version ${major}.${minor}`);
  }
  const linkWord = view.getUint32(offset + 20, littleEndian);
  return {
    littleEndian,
    unitsPerSecond: magic === MAGIC_NANO ? 1_000_000_000 : 1_000_000,
    recordHeaderBytes: magic === MAGIC_MODIFIED ? 24 : 16,
    swappedLengths: swappedLengths(major, minor),
    snaplen: view.getUint32(offset + 16, littleEndian),
    // The top bits give the length of the frame check sequence, which nobody needs: lengths inside IP rule.
    linkType: linkWord & 0xffff,
    reservedBits: (linkWord & 0x03ff0000) !== 0,
  };
}

function swappedLengths(major: number, minor: number): PcapLayout["swappedLengths"] {
  if (major === 543 || minor < 3) return "always";
  return minor === 3 ? "when-captured-is-greater" : "never";
}

function unsupported(name: string, what: string): LeekError {
  return new LeekError("LEEK_CAPTURE_UNSUPPORTED", "bad-data", `Cannot read capture ${name}: it is ${what}.`, {
    hint: "Convert it to pcapng with a tool that reads it, e.g. editcap -F pcapng IN OUT.",
  });
}
