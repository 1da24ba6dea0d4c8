import type { Dissection } from "./dissection.js";

/**
 * An IGMP message. Source: RFC 2236, 3376. What DVMRP and PIM version 1 say inside it is out of scope.
 *
 * @param length - Bytes of the message by the IP header.
 */
export function printIgmp(d: Dissection, at: number, length: number): void {
  d.protocol = "igmp";
  const { out } = d;
  if (d.quiet) {
    out.write("igmp");
    return;
  }
  const type = d.u8(at);
  switch (type) {
    case 0x11:
      out.write("igmp query");
      if (length >= 12) printVersion3Query(d, at, length);
      else printQuery(d, at, length);
      break;
    case 0x12:
      d.need(at + 4, 4);
      out.write("igmp v1 report ");
      d.ipv4(at + 4);
      if (length !== 8) out.write(` [len ${length}]`);
      break;
    case 0x16:
    case 0x17:
      d.need(at + 4, 4);
      out.write(type === 0x16 ? "igmp v2 report " : "igmp leave ");
      d.ipv4(at + 4);
      break;
    case 0x22:
      out.write("igmp v3 report");
      if (length < 16 || length & 3) out.write(` [invalid len ${length}]`);
      else out.write(`, ${d.u16(at + 6)} group record(s)`);
      break;
    case 0x13:
      out.write("igmp dvmrp");
      if (length < 8) out.write(` [len ${length}]`);
      break;
    case 0x14:
      out.write("igmp pimv1");
      break;
    case 0x1e:
    case 0x1f:
      printTrace(d, at, length, type === 0x1e ? "mresp" : "mtrace");
      break;
    default:
      out.write(`igmp-${type}`);
  }
}

function printQuery(d: Dissection, at: number, length: number): void {
  const { out } = d;
  const time = d.u8(at + 1);
  out.write(time === 0 ? " v1" : " v2");
  if (time !== 0 && time !== 100) out.write(` [max resp time ${time}]`);
  if (d.u32(at + 4) !== 0) {
    out.write(" [gaddr ");
    d.ipv4(at + 4);
    out.byte(0x5d);
  }
  if (length !== 8) out.write(` [len ${length}]`);
}

function printVersion3Query(d: Dissection, at: number, length: number): void {
  const { out } = d;
  out.write(" v3");
  if (length & 3) {
    out.write(` [invalid len ${length}]`);
    return;
  }
  const code = d.u8(at + 1);
  // A floating point byte in tenths of seconds (RFC 3376 4.1.1); 100 is the default and left out.
  const tenths = code < 128 ? code : ((code & 15) | 16) << (((code & 0x70) >> 4) + 3);
  if (code !== 100) {
    out.write(
      ` [max resp time ${tenths < 600 ? `${(tenths * 0.1).toFixed(1)}s` : relativeTime(Math.floor(tenths / 10))}]`,
    );
  }
  if (d.u32(at + 4) === 0) return;
  out.write(" [gaddr ");
  d.ipv4(at + 4);
  const sources = d.u16(at + 10);
  if (sources > 0) out.write(length < 12 + sources * 4 ? " [invalid number of sources]" : `, ${sources} source(s)`);
  out.byte(0x5d);
}

/** 3174 s as `52m54s`. */
function relativeTime(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${minutes > 0 ? `${minutes}m` : ""}${seconds % 60 > 0 ? `${seconds % 60}s` : ""}`;
}

function printTrace(d: Dissection, at: number, length: number, name: string): void {
  const { out } = d;
  if (length < 24) {
    out.write(` [invalid len ${length}]`);
    return;
  }
  d.need(at + 8, 16);
  out.write(`${name} ${d.u32(at + 20) & 0xffffff}: `);
  d.ipv4(at + 8);
  out.write(" to ");
  d.ipv4(at + 12);
  out.write(" reply-to ");
  d.ipv4(at + 16);
  if (d.u8(at + 16) >> 4 === 14) out.write(` with-ttl ${d.u8(at + 20)}`);
}
