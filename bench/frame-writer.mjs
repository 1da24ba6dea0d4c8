// Writes Ethernet frames into a classic pcap file, fast enough that the disk is what takes the time: gigabytes in
// seconds. All checksums are right.

import { writeSync } from "node:fs";

const RECORD_HEADER_BYTES = 16;
export const ETHERNET_BYTES = 14;
export const SNAPLEN = 262144;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;

// One piece of memory, so that copyWithin() can move bytes from the pool and the templates without making objects.
const POOL_BYTES = 1 << 20;
const TEMPLATE_BYTES = 64;
const CHUNK_BYTES = 8 << 20;
const LARGEST_FRAME_BYTES = 1 << 16;

export const TcpFlag = /** @type {const} */ ({ Fin: 0x01, Syn: 0x02, Rst: 0x04, Push: 0x08, Ack: 0x10 });

/**
 * How the frames of one sender begin: Ethernet and IP header, with the fields that change left 0.
 *
 * @typedef {object} Template
 * @property {number} offset Where it lies in the writer's memory.
 * @property {number} length 34 for IPv4, 54 for IPv6.
 * @property {number} srcPort
 * @property {number} dstPort
 */

/**
 * What changes from one TCP segment to the next. Overwritten by its owner for each.
 *
 * @typedef {object} Segment
 * @property {number} ipId Ignored for IPv6.
 * @property {number} seq
 * @property {number} ack
 * @property {number} flags
 * @property {number} window
 * @property {number} mss 0 unless a SYN carries it.
 * @property {number} windowScale Written beside mss.
 * @property {boolean} hasTimestamps
 * @property {number} tsValue
 * @property {number} tsEcho
 * @property {number} sackStart Equal to sackEnd for none.
 * @property {number} sackEnd
 */

export class FrameWriter {
  packets = 0;
  /** Of whole frames, as on the wire. */
  bytes = 0;
  /** Of the file so far, once flushed. */
  fileBytes = 0;
  /** Of the frame written last. */
  frameBytes = 0;

  #fd;
  #memory;
  #view;
  #templateEnd = POOL_BYTES;
  #chunkStart;
  #at;
  /** Sum modulo 65535 of the pool's 16-bit words before each. */
  #poolSums = new Uint32Array(POOL_BYTES / 2 + 1);
  #random;

  /**
   * @param {number} fd Open for writing; stays open.
   * @param {number} templates How many will be made at most.
   * @param {() => number} random
   */
  constructor(fd, templates, random) {
    this.#fd = fd;
    this.#random = random;
    this.#chunkStart = POOL_BYTES + templates * TEMPLATE_BYTES;
    this.#at = this.#chunkStart;
    this.#memory = new Uint8Array(this.#chunkStart + CHUNK_BYTES + LARGEST_FRAME_BYTES);
    this.#view = new DataView(this.#memory.buffer);
    for (let i = 0; i < POOL_BYTES; i += 4) this.#view.setInt32(i, (random() * 2 ** 32) | 0);
    let sum = 0;
    for (let i = 0; i < POOL_BYTES; i += 2) {
      sum = (sum + this.#view.getUint16(i)) % 65535;
      this.#poolSums[i / 2 + 1] = sum;
    }
    this.#fileHeader();
  }

  /**
   * @param {Uint8Array} bytes Ethernet and IP header.
   * @param {number} srcPort
   * @param {number} dstPort
   * @returns {Template}
   */
  template(bytes, srcPort, dstPort) {
    const offset = this.#templateEnd;
    if (bytes.length > TEMPLATE_BYTES || offset + TEMPLATE_BYTES > this.#chunkStart) throw new RangeError("no room");
    this.#memory.set(bytes, offset);
    this.#templateEnd += TEMPLATE_BYTES;
    return { offset, length: bytes.length, srcPort, dstPort };
  }

  /**
   * @param {number} micros Since 1970-01-01 UTC.
   * @param {Template} template
   * @param {Segment} segment
   * @param {Uint8Array} head How the payload begins; random bytes fill the rest of `payloadLength`.
   * @param {number} payloadLength In bytes, at least that of `head`.
   */
  tcp(micros, template, segment, head, payloadLength) {
    const view = this.#view;
    const start = this.#at + RECORD_HEADER_BYTES;
    const tcp = start + template.length;
    this.#memory.copyWithin(start, template.offset, template.offset + template.length);
    view.setUint16(tcp, template.srcPort);
    view.setUint16(tcp + 2, template.dstPort);
    view.setInt32(tcp + 4, segment.seq);
    view.setInt32(tcp + 8, segment.ack);
    const payload = this.#tcpOptions(tcp + 20, segment);
    view.setUint8(tcp + 12, ((payload - tcp) / 4) << 4);
    view.setUint8(tcp + 13, segment.flags);
    view.setUint16(tcp + 14, segment.window);
    view.setInt32(tcp + 16, 0);
    const end = payload + payloadLength;
    const payloadSum = this.#payload(payload, head, payloadLength);
    this.#ipLengths(start, end, segment.ipId);
    const sum = this.#pseudoHeaderSum(start, PROTOCOL_TCP, end - tcp) + this.#sum(tcp, payload) + payloadSum;
    view.setUint16(tcp + 16, checksum(sum));
    this.#endRecord(micros, end);
  }

  /**
   * @param {number} micros Since 1970-01-01 UTC.
   * @param {Template} template
   * @param {number} ipId Ignored for IPv6.
   * @param {Uint8Array} head As in `tcp`.
   * @param {number} payloadLength
   */
  udp(micros, template, ipId, head, payloadLength) {
    const view = this.#view;
    const start = this.#at + RECORD_HEADER_BYTES;
    const udp = start + template.length;
    this.#memory.copyWithin(start, template.offset, template.offset + template.length);
    view.setUint16(udp, template.srcPort);
    view.setUint16(udp + 2, template.dstPort);
    view.setUint16(udp + 4, 8 + payloadLength);
    view.setUint16(udp + 6, 0);
    const end = udp + 8 + payloadLength;
    const payloadSum = this.#payload(udp + 8, head, payloadLength);
    this.#ipLengths(start, end, ipId);
    const sum = this.#pseudoHeaderSum(start, PROTOCOL_UDP, end - udp) + this.#sum(udp, udp + 8) + payloadSum;
    view.setUint16(udp + 6, checksum(sum) || 0xffff); // 0 would say "no checksum", RFC 768.
    this.#endRecord(micros, end);
  }

  /**
   * @param {number} micros Since 1970-01-01 UTC.
   * @param {Uint8Array} bytes The whole frame.
   */
  frame(micros, bytes) {
    const start = this.#at + RECORD_HEADER_BYTES;
    this.#memory.set(bytes, start);
    this.#endRecord(micros, start + bytes.length);
  }

  flush() {
    for (let from = this.#chunkStart; from < this.#at; )
      from += writeSync(this.#fd, this.#memory, from, this.#at - from);
    this.fileBytes += this.#at - this.#chunkStart;
    this.#at = this.#chunkStart;
  }

  #fileHeader() {
    const view = this.#view;
    view.setUint32(this.#at, 0xa1b2c3d4, true);
    view.setUint16(this.#at + 4, 2, true);
    view.setUint16(this.#at + 6, 4, true);
    view.setUint32(this.#at + 16, SNAPLEN, true);
    view.setUint32(this.#at + 20, 1, true); // LINKTYPE_ETHERNET
    this.#at += 24;
  }

  /**
   * @param {number} at
   * @param {Segment} segment
   * @returns {number} Offset past the options, padded to a multiple of 4.
   */
  #tcpOptions(at, segment) {
    const view = this.#view;
    if (segment.mss > 0) {
      view.setUint32(at, 0x02040000 | segment.mss);
      if (segment.hasTimestamps) {
        view.setUint32(at + 4, 0x0402080a); // SACK permitted, timestamps
        view.setInt32(at + 8, segment.tsValue);
        view.setInt32(at + 12, segment.tsEcho);
        view.setUint32(at + 16, 0x01030300 | segment.windowScale);
        return at + 20;
      }
      view.setUint32(at + 4, 0x01030300 | segment.windowScale);
      view.setUint32(at + 8, 0x01010402);
      return at + 12;
    }
    if (segment.hasTimestamps) {
      view.setUint32(at, 0x0101080a);
      view.setInt32(at + 4, segment.tsValue);
      view.setInt32(at + 8, segment.tsEcho);
      at += 12;
    }
    if (segment.sackStart !== segment.sackEnd) {
      view.setUint32(at, 0x0101050a);
      view.setInt32(at + 4, segment.sackStart);
      view.setInt32(at + 8, segment.sackEnd);
      at += 12;
    }
    return at;
  }

  /**
   * @param {number} at
   * @param {Uint8Array} head
   * @param {number} length
   * @returns {number} The sum of its 16-bit words.
   */
  #payload(at, head, length) {
    this.#memory.set(head, at);
    const rest = length - head.length;
    let sum = this.#sum(at, at + head.length);
    if (rest === 0) return sum;
    // As odd or even as the place it goes to, so that the pool's words are the payload's words.
    let from = (Math.floor(this.#random() * (POOL_BYTES / 2 - LARGEST_FRAME_BYTES)) << 1) | (head.length & 1);
    let to = from + rest;
    this.#memory.copyWithin(at + head.length, from, to);
    if (from & 1) sum += this.#view.getUint8(from++);
    if (to & 1) sum += this.#view.getUint8(--to) << 8;
    // A single byte is both the first and the last.
    if (to > from) sum += 65535 + (this.#poolSums[to >> 1] ?? 0) - (this.#poolSums[from >> 1] ?? 0);
    return sum;
  }

  /**
   * Total or payload length, id, header checksum.
   *
   * @param {number} start Of the frame.
   * @param {number} end
   * @param {number} ipId
   */
  #ipLengths(start, end, ipId) {
    const view = this.#view;
    const ip = start + ETHERNET_BYTES;
    if (view.getUint8(ip) === 0x45) {
      view.setUint16(ip + 2, end - ip);
      view.setUint16(ip + 4, ipId);
      view.setUint16(ip + 10, checksum(this.#sum(ip, ip + 20)));
    } else {
      view.setUint16(ip + 4, end - ip - 40);
    }
  }

  /**
   * @param {number} start Of the frame.
   * @param {number} protocol
   * @param {number} length Of the transport header and its payload.
   */
  #pseudoHeaderSum(start, protocol, length) {
    const ip = start + ETHERNET_BYTES;
    const addresses = this.#view.getUint8(ip) === 0x45 ? this.#sum(ip + 12, ip + 20) : this.#sum(ip + 8, ip + 40);
    return addresses + protocol + length;
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #sum(from, to) {
    let sum = 0;
    let at = from;
    for (; at + 1 < to; at += 2) sum += this.#view.getUint16(at);
    return at < to ? sum + (this.#view.getUint8(at) << 8) : sum;
  }

  /**
   * @param {number} micros
   * @param {number} end
   */
  #endRecord(micros, end) {
    const length = end - this.#at - RECORD_HEADER_BYTES;
    const seconds = Math.floor(micros / 1e6);
    this.#view.setUint32(this.#at, seconds, true);
    this.#view.setUint32(this.#at + 4, micros - seconds * 1e6, true);
    this.#view.setUint32(this.#at + 8, length, true);
    this.#view.setUint32(this.#at + 12, length, true);
    this.packets++;
    this.bytes += length;
    this.frameBytes = length;
    this.#at = end;
    if (this.#at >= this.#chunkStart + CHUNK_BYTES) this.flush();
  }
}

/**
 * The internet checksum (RFC 1071) of a sum of 16-bit words.
 *
 * @param {number} sum
 */
export function checksum(sum) {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 65536);
  return ~folded & 0xffff;
}
