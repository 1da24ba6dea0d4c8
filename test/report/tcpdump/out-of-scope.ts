import type { Difference } from "./oracle.js";

// The decoders that tcpdump has and leek has not, in one place: docs/print.md lists the same. A difference that one of
// them explains is no failure.

/** TCP ports behind whose `length N` tcpdump tells what the payload says. */
const TCP_PORTS = new Set([
  21, 22, 23, 25, 43, 80, 179, 323, 554, 639, 646, 1723, 2049, 6379, 6633, 6653, 8080, 8554, 10288,
]);

/** UDP ports whose payload tcpdump tells in place of `UDP, length N`. */
const UDP_PORTS = new Set([
  67, 68, 69, 88, 123, 137, 138, 161, 162, 319, 320, 496, 500, 514, 520, 521, 525, 546, 547, 646, 654, 698, 701, 750,
  921, 1589, 1645, 1646, 1700, 1701, 1812, 1813, 1985, 2049, 2103, 2104, 3456, 3503, 3784, 3785, 3799, 4342, 4500, 4567,
  4784, 4789, 4790, 5060, 5359, 6081, 6343, 6635, 6696, 6697, 6784, 7000, 7001, 7002, 7003, 7004, 7005, 7006, 7007,
  7008, 7009, 7500, 8231, 8472, 8500, 12222, 12223, 17754, 30490, 49152,
]);

/** AppleTalk over UDP is recognised in three ranges of 128 ports. */
function isAppleTalkPort(port: number): boolean {
  return [200, 768, 16_512].some((first) => port >= first && port < first + 128);
}

/** IP protocols for which leek prints ` ip-proto-N length`. */
const IP_PROTOCOLS = new Set([8, 9, 33, 46, 55, 62, 88, 89, 103, 108, 112, 113, 132, 135, 143]);

const PORTS = /(?:^|[ .!])(\d+) > (?:[0-9a-f.:]+\.)?(\d+): (?:Flags|UDP)[^:]*(?::[^:]*)?$/;

function portsOf(line: string): number[] {
  const match = PORTS.exec(line);
  return match === null ? [] : [Number(match[1]), Number(match[2])];
}

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** Whether a decoder out of scope accounts for a difference: then all before it is equal. */
export function isExplained({ leek, tcpdump }: Pick<Difference, "leek" | "tcpdump">): boolean {
  if (tcpdump.startsWith(leek) && /, length \d+$/.test(leek)) {
    return portsOf(leek).some((port) => TCP_PORTS.has(port));
  }
  const same = commonPrefix(leek, tcpdump);
  const own = leek.slice(same);
  const before = leek.slice(0, same);
  const protocol = / ip-proto-(\d+) \d+$/.exec(leek);
  if (protocol !== null && IP_PROTOCOLS.has(Number(protocol[1]))) return true;
  if (/UDP, (?:bad )?length [\d >]+$/.test(leek) && leek.length - same <= own.length) {
    return portsOf(leek).some((port) => UDP_PORTS.has(port) || isAppleTalkPort(port));
  }
  if (/igmp (?:dvmrp|pimv1)/.test(before)) return true;
  if (/ICMP6, (?:router renumbering|who-are-you re(?:quest|ply))/.test(before)) return true;
  // Source routes of GRE, and what cannot be found behind them.
  return /GREv0.*, \(rtaf=/.test(tcpdump) || (/GREv0, off/.test(before) && tcpdump.endsWith(" [|gre]"));
}
