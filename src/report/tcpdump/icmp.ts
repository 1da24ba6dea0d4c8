import { formatIpv4 } from "../../net/index.js";
import type { Dissection } from "./dissection.js";

const NAMES: Readonly<Record<number, string>> = {
  4: "source quench",
  10: "router solicitation",
  15: "information request",
  16: "information reply",
  17: "address mask request",
};

/** What follows `host X unreachable`, `net X unreachable`, `X unreachable` for each code (RFC 792, 1122, 1812). */
const UNREACHABLE: readonly (readonly [before: string, after: string] | undefined)[] = [
  ["net ", ""],
  ["host ", ""],
  undefined,
  undefined,
  undefined,
  ["", " - source route failed"],
  ["net ", " - unknown"],
  ["host ", " - unknown"],
  ["", " - source host isolated"],
  ["net ", " - admin prohibited"],
  ["host ", " - admin prohibited"],
  ["net ", " - tos prohibited"],
  ["host ", " - tos prohibited"],
  ["host ", " - admin prohibited filter"],
  ["host ", " - host precedence violation"],
  ["host ", " - precedence cutoff"],
];

const REDIRECTS = [
  "redirect X to net",
  "redirect X to host",
  "redirect-tos X to net",
  "redirect-tos X to host",
] as const;

// Offsets in the datagram that an error quotes, which begins 8 bytes into the message.
const QUOTED = 8;
const QUOTED_PROTOCOL = QUOTED + 9;
const QUOTED_DST = QUOTED + 16;

/**
 * An ICMP message. Source: RFC 792.
 *
 * The text is collected before it is written: a cut message shows only ` [|icmp]`.
 */
export function printIcmp(d: Dissection, at: number, length: number): void {
  d.protocol = "icmp";
  const text = messageText(d, at);
  if (text === undefined) d.cut();
  else d.out.write(`ICMP ${text}, length ${length}`);
}

function address(d: Dissection, at: number): string {
  return formatIpv4(d.u32(at) | 0);
}

/** @returns undefined where tcpdump gives up on a cut message by itself; most reads throw CUT instead, to the same text. */
function messageText(d: Dissection, at: number): string | undefined {
  const type = d.u8(at);
  const code = d.u8(at + 1);
  switch (type) {
    case 0:
    case 8:
      return `echo ${type === 8 ? "request" : "reply"}, id ${d.u16(at + 4)}, seq ${d.u16(at + 6)}`;
    case 3:
      return unreachableText(d, at, code);
    case 5: {
      const quoted = address(d, at + QUOTED_DST);
      const form = REDIRECTS[code]?.replace("X", quoted) ?? `redirect-#${code} ${quoted} to`;
      return `${form} ${address(d, at + 4)}`;
    }
    case 9:
      return routerAdvertisement(d, at);
    case 11:
      if (!d.has(at + QUOTED_DST, 4)) return undefined;
      if (code === 0) return "time exceeded in-transit";
      return code === 1 ? "ip reassembly time exceeded" : `time exceeded-#${code}`;
    case 12:
      return code === 0 ? `parameter problem - octet ${d.u8(at + 4)}` : `parameter problem - code ${code}`;
    case 13:
      return `time stamp query id ${d.u16(at + 4)} seq ${d.u16(at + 6)}`;
    case 14:
      if (!d.has(at + 16, 4)) return undefined;
      return (
        `time stamp reply id ${d.u16(at + 4)} seq ${d.u16(at + 6)}: org ${clockTime(d.u32(at + 8))}` +
        `, recv ${clockTime(d.u32(at + 12))}, xmit ${clockTime(d.u32(at + 16))}`
      );
    case 18:
      return `address mask is 0x${d
        .u32(at + 8)
        .toString(16)
        .padStart(8, "0")}`;
    default:
      return NAMES[type] ?? `type-#${type}`;
  }
}

function unreachableText(d: Dissection, at: number, code: number): string | undefined {
  if (code === 3) {
    if (!d.has(at + QUOTED_PROTOCOL, 1)) return undefined;
    const quotedHeader = (d.u8(at + QUOTED) & 15) * 4;
    const port = d.u16(at + QUOTED + quotedHeader + 2);
    const protocol = d.u8(at + QUOTED_PROTOCOL);
    const host = address(d, at + QUOTED_DST);
    if (protocol === 6) return `${host} tcp port ${port} unreachable`;
    if (protocol === 17) return `${host} udp port ${port} unreachable`;
    return `${host} protocol ${protocol} port ${port} unreachable`;
  }
  if (code === 4) {
    const mtu = d.u16(at + 6);
    const text = `${address(d, at + QUOTED_DST)} unreachable - need to frag`;
    return mtu === 0 ? text : `${text} (mtu ${mtu})`;
  }
  const host = address(d, at + QUOTED_DST);
  if (code === 2) return `${host} protocol ${d.u8(at + QUOTED_PROTOCOL)} unreachable`;
  const form = UNREACHABLE[code];
  return form === undefined ? `${host} unreachable - #${code}` : `${form[0]}${host} unreachable${form[1]}`;
}

/** Milliseconds since midnight as `HH:MM:SS.mmm`; hours may exceed 23. */
function clockTime(milliseconds: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const seconds = Math.floor(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  const fraction = String(milliseconds % 1000).padStart(3, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}.${fraction}`;
}

/** tcpdump builds this text in a buffer of MAXHOSTNAMELEN + 100 bytes; whatever does not fit is lost. */
const ADVERTISEMENT_LIMIT = 163;

/** Source: RFC 1256 3. */
function routerAdvertisement(d: Dissection, at: number): string | undefined {
  if (!d.has(at + 4, 4)) return undefined;
  const two = (value: number) => String(value).padStart(2, "0");
  const lifetime = d.u16(at + 6);
  const minutes = Math.floor(lifetime / 60);
  let duration = String(lifetime);
  if (lifetime >= 3600) duration = `${Math.floor(lifetime / 3600)}:${two(minutes % 60)}:${two(lifetime % 60)}`;
  else if (lifetime >= 60) duration = `${minutes}:${two(lifetime % 60)}`;
  const count = d.u8(at + 4);
  const size = d.u8(at + 5);
  let text = `router advertisement lifetime ${duration} ${count}:`;
  if (size !== 2) return `${text} [size ${size}]`;
  for (let i = 0; i < count; i++) {
    const entry = at + 8 + i * 8;
    if (!d.has(entry, 8)) return undefined;
    text = `${text} {${address(d, entry)} ${d.u32(entry + 4)}}`.slice(0, ADVERTISEMENT_LIMIT);
  }
  return text;
}
