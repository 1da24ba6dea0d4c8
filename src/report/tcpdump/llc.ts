import type { Dissection } from "./dissection.js";
import { printEtherType } from "./ether-payload.js";
import { etherTypeLabel } from "./ether-types.js";
import { printIpv4 } from "./ipv4.js";

const SAPS: Readonly<Record<number, string>> = {
  0: "Null",
  2: "802.1B I",
  4: "SNA",
  6: "IP",
  14: "ProWay NM",
  66: "STP",
  78: "RS511",
  126: "ISO8208",
  142: "ProWay",
  170: "SNAP",
  224: "IPX",
  240: "NetBeui",
  254: "OSI",
};
const SNAP = 0xaa;
const IP = 0x06;
const UI = 0x03;
const XID = 0xaf;

/** The organisations that are met in captures; tcpdump knows some more, mostly of OpenFlow vendors. */
const OUIS: Readonly<Record<number, string>> = {
  0: "Ethernet",
  12: "Cisco",
  94: "IANA",
  129: "Nortel Networks SONMP",
  248: "Cisco bridged",
  32962: "Ethernet bridged",
  41022: "ATM Forum",
  57391: "DOCSIS Spanning Tree",
  524295: "Appletalk",
  36969: "Juniper",
  524297: "Hewlett-Packard",
  4623: "IEEE 802.3 Private",
  4795: "ANSI/TIA",
};

const COMMANDS: Readonly<Record<number, string>> = {
  3: "ui",
  227: "test",
  175: "xid",
  99: "ua",
  67: "disc",
  15: "dm",
  111: "sabme",
  135: "frmr",
};

const SUPERVISORY = ["Receiver Ready", "Receiver not Ready", "Reject"] as const;

/** Offsets of a frame's hardware addresses; undefined for links that have none. */
export interface FrameAddresses {
  readonly src: number;
  readonly dst: number;
}

/**
 * An IEEE 802.2 LLC frame, with SNAP where it has it. Spanning tree, IPX, NetBEUI and OSI are out of scope.
 *
 * @param addresses - Undefined on links without hardware addresses.
 * @returns False when the caller is to dump the bytes from `at` on, since nothing was told of the content.
 */
export function printLlc(
  d: Dissection,
  at: number,
  length: number,
  captured: number,
  addresses: FrameAddresses | undefined,
): boolean {
  d.protocol = "llc";
  const { out } = d;
  if (captured < 3 || length < 3) return printShort(d, at, captured);
  const dsapField = d.u8(at);
  const ssapField = d.u8(at + 1);
  let control = d.u8(at + 2);
  // Unnumbered frames have one byte of control, all others two, little-endian.
  const isUnnumbered = (control & 3) === 3;
  const headerLength = isUnnumbered ? 3 : 4;
  if (!isUnnumbered) {
    if (captured < 4 || length < 4) return printShort(d, at, captured);
    control |= d.u8(at + 3) << 8;
  }
  const dsap = dsapField & 0xfe;
  const ssap = ssapField & 0xfe;
  if (d.linkLevel) {
    out.write(`LLC, dsap ${SAPS[dsap] ?? "Unknown"} (0x${byteText(dsap)}) ${dsapField & 1 ? "Group" : "Individual"}`);
    out.write(`, ssap ${SAPS[ssap] ?? "Unknown"} (0x${byteText(ssap)}) ${ssapField & 1 ? "Response" : "Command"}`);
    out.write(`, ctrl 0x${control.toString(16).padStart(isUnnumbered ? 2 : 4, "0")}: `);
  }
  const next = at + headerLength;
  const left = length - headerLength;
  const capturedLeft = captured - headerLength;
  if (ssap === SNAP && dsap === SNAP && control === UI) return printSnap(d, next, left, capturedLeft, addresses);
  if (ssap === IP && dsap === IP && control === UI) {
    printIpv4(d, next, left);
    return true;
  }
  if (!d.linkLevel) printSaps(d, ssap, dsap, addresses);
  const isResponse = (ssapField & 1) !== 0;
  if (isUnnumbered) {
    const isPoll = (control & 0x10) !== 0;
    const command = control & 0xef;
    out.write(
      `Unnumbered, ${COMMANDS[command] ?? byteText(command)}, Flags [${flagText(isResponse, isPoll)}], length ${length}`,
    );
    if (command === XID) return printExchangeId(d, next, left, capturedLeft);
    return false;
  }
  const isPoll = (control & 0x100) !== 0;
  const received = control >> 9;
  if ((control & 3) === 1) {
    const name = SUPERVISORY[(control >> 2) & 3] ?? "?";
    out.write(`Supervisory, ${name}, rcv seq ${received}, Flags [${flagText(isResponse, isPoll)}], length ${length}`);
    return true;
  }
  const sent = (control >> 1) & 0x7f;
  out.write(
    `Information, send seq ${sent}, rcv seq ${received}, Flags [${flagText(isResponse, isPoll)}], length ${length}`,
  );
  return false;
}

function byteText(value: number): string {
  return value.toString(16).padStart(2, "0");
}

function flagText(isResponse: boolean, isPoll: boolean): string {
  if (isPoll) return isResponse ? "Final" : "Poll";
  return isResponse ? "Response" : "Command";
}

function printShort(d: Dissection, at: number, captured: number): boolean {
  d.cut();
  d.hexDump(at, captured);
  return true;
}

function printSaps(d: Dissection, ssap: number, dsap: number, addresses: FrameAddresses | undefined): void {
  const { out } = d;
  const dsapName = SAPS[dsap] ?? `Unknown DSAP 0x${byteText(dsap)}`;
  const ssapName = SAPS[ssap] ?? `Unknown SSAP 0x${byteText(ssap)}`;
  if (addresses !== undefined) d.mac(addresses.src);
  if (ssap !== dsap) out.write(addresses === undefined ? `${ssapName} > ` : ` ${ssapName} > `);
  else if (addresses !== undefined) out.write(" > ");
  if (addresses !== undefined) {
    d.mac(addresses.dst);
    out.byte(0x20);
  }
  out.write(`${dsapName} `);
}

function printExchangeId(d: Dissection, at: number, left: number, captured: number): boolean {
  if (left === 0) return true;
  if (captured < 1) {
    d.cut();
    return true;
  }
  if (d.u8(at) !== 0x81) return false;
  if (captured < 3 || left < 3) {
    d.cut();
    d.hexDump(at, captured);
  } else {
    d.out.write(`: ${byteText(d.u8(at + 1))} ${byteText(d.u8(at + 2))}`);
  }
  return true;
}

/** The SNAP extension (RFC 1042): an organisation's code and its protocol number. */
function printSnap(
  d: Dissection,
  at: number,
  length: number,
  captured: number,
  addresses: FrameAddresses | undefined,
): boolean {
  d.protocol = "snap";
  if (!d.has(at, 5) || captured < 5 || length < 5) {
    d.cut();
    return true;
  }
  const oui = (d.u16(at) << 8) | d.u8(at + 2);
  const type = d.u16(at + 3);
  const usesEtherTypes = oui === 0 || oui === 0x0000f8 || oui === 0x080007;
  const name = usesEtherTypes ? etherTypeLabel(type, "Unknown") : "Unknown";
  const hex = (value: number, width: number) => `0x${value.toString(16).padStart(width, "0")}`;
  if (d.linkLevel) {
    const organisation = `oui ${OUIS[oui] ?? "Unknown"} (${hex(oui, 6)}), ${oui === 0 ? "ethertype" : "pid"}`;
    d.out.write(`${organisation} ${name} (${hex(type, 4)}), length ${length - 5}: `);
  }
  if ((oui === 0 || oui === 0x0000f8) && printEtherType(d, type, at + 5, length - 5, captured - 5)) return true;
  if (!d.linkLevel) {
    if (addresses !== undefined) {
      d.mac(addresses.src);
      d.out.write(" > ");
      d.mac(addresses.dst);
      d.out.byte(0x20);
    }
    const organisation = oui === 0 ? "ethertype" : `oui ${OUIS[oui] ?? "Unknown"} (${hex(oui, 6)}), pid`;
    d.out.write(`SNAP, ${organisation} ${name} (${hex(type, 4)}), length ${length - 5}: `);
  }
  return false;
}
