// One conversation of the made-up capture, packet by packet.

import { TcpFlag } from "./frame-writer.mjs";
import * as payloads from "./payloads.mjs";

/** @typedef {import("./frame-writer.mjs").FrameWriter} FrameWriter */
/** @typedef {import("./frame-writer.mjs").Segment} Segment */
/** @typedef {import("./frame-writer.mjs").Template} Template */
/** @typedef {import("./traffic-plan.mjs").PlannedFlow} PlannedFlow */

const MOST_SEGMENTS = 11; // of one TLS record: 16 KiB
const CLOSING_PACKETS = 3;
const CELL_BYTES = 514;
/** TLS 1.3: content type and tag. */
const RECORD_OVERHEAD = 17;
const TIMESTAMP_OPTION_BYTES = 12;

/** Share of bursts that come from the server, and the mean length of a burst in segments. */
const MANNERS = /** @type {const} */ ({
  tor: { fromServer: 0.6, segments: 2.2 },
  "relay-other-port": { fromServer: 0.6, segments: 2 },
  https: { fromServer: 0.6, segments: 2.6 },
  http: { fromServer: 0.7, segments: 3 },
  bitcoin: { fromServer: 0.5, segments: 1.8 },
  ssh: { fromServer: 0.5, segments: 1.1 },
  quic: { fromServer: 0.7, segments: 3 },
  local: { fromServer: 0.5, segments: 2 },
});

/** One side of a TCP connection, as it stands. */
class Side {
  ipId = 0;
  seq = 0;
  /** What the other side has acknowledged or would: `seq`, unless a segment got lost. */
  received = 0;
  tsOffset = 0;
  tsLast = 0;
  window = 0;

  /**
   * @param {Template} template
   * @param {() => number} random
   */
  constructor(template, random) {
    this.template = template;
    this.ipId = (random() * 65536) | 0;
    this.seq = (random() * 2 ** 32) | 0;
    this.received = this.seq;
    this.tsOffset = (random() * 2 ** 32) | 0;
    this.window = 500 + Math.floor(random() * 3000);
  }
}

export class Conversation {
  /** Time of the next packet, microseconds since 1970-01-01 UTC. */
  time;
  /** Packets still to be written. */
  left;

  #plan;
  #random;
  #client;
  #server;
  #rtt;
  #pause;
  #end;
  #mss;
  #hasTimestamps;
  #index = 0;
  /** @type {Side} Whose burst it is. */
  #sender;
  #burst = 0;
  #lastSegmentBytes = 0;
  /** @type {Uint8Array} Before the next segment's random bytes. */
  #head = payloads.EMPTY;
  #unacknowledged = 0;
  #lostBytes = 0;
  #resending = false;
  #dnsId = 0;
  #exchanges = 0;
  /** @type {Segment} */
  #segment = {
    ipId: 0,
    seq: 0,
    ack: 0,
    flags: 0,
    window: 0,
    mss: 0,
    windowScale: 7,
    hasTimestamps: false,
    tsValue: 0,
    tsEcho: 0,
    sackStart: 0,
    sackEnd: 0,
  };

  /**
   * @param {object} options
   * @param {PlannedFlow} options.plan
   * @param {Template} options.clientTemplate
   * @param {Template} options.serverTemplate
   * @param {number} options.from Microseconds since 1970-01-01 UTC; nothing happens before,
   * @param {number} options.to nor much after.
   * @param {() => number} options.random
   */
  constructor({ plan, clientTemplate, serverTemplate, from, to, random }) {
    this.#plan = plan;
    this.#random = random;
    this.left = plan.packets;
    this.#client = new Side(clientTemplate, random);
    this.#server = new Side(serverTemplate, random);
    this.#sender = this.#client;
    // Linux and most phones send time stamps, Windows does not.
    this.#hasTimestamps = plan.client.mac.readUInt8(5) % 6 !== 0;
    this.#mss = (plan.version === 6 ? 1440 : 1460) - (this.#hasTimestamps ? TIMESTAMP_OPTION_BYTES : 0);
    this.#rtt = Math.round(5000 + 120_000 * random() ** 2);
    const longest = (to - from) * 0.9;
    const duration = Math.min(longest, plan.packets * (20_000 + 4_000_000 * random() ** 4));
    this.#end = to;
    this.#pause = Math.round(duration / Math.max(1, plan.packets / 4));
    this.time = from + Math.floor(random() * (to - from - duration));
    this.#dnsId = Math.floor(random() * 65536);
    // One connection in twenty was already open when the capture began.
    if (hasHandshake(plan) && random() < 0.05) {
      this.#index = 6;
      this.time = from + Math.floor(random() * this.#pause);
      for (const side of [this.#client, this.#server]) side.tsLast = (side.tsOffset + Math.floor(from / 1000)) | 0;
    }
  }

  /**
   * Writes one packet and moves `time` on.
   *
   * @param {FrameWriter} writer
   */
  step(writer) {
    this.left--;
    const index = this.#index++;
    switch (this.#plan.kind) {
      case "dns":
        return this.#dns(writer, index);
      case "quic":
        return this.#quic(writer, index);
      case "refused":
        if (index === 0) return this.#syn(writer);
        return this.#send(writer, this.#server, TcpFlag.Rst | TcpFlag.Ack, payloads.EMPTY, 0, 0);
      case "unanswered":
        this.#send(writer, this.#client, TcpFlag.Syn, payloads.EMPTY, 0, 1_000_000 * 2 ** index);
        return undefined;
      default:
        return this.#tcp(writer, index);
    }
  }

  /**
   * @param {FrameWriter} writer
   * @param {number} index
   */
  #tcp(writer, index) {
    const { Ack, Fin, Push, Syn } = TcpFlag;
    if (this.left < CLOSING_PACKETS) {
      this.#lostBytes = 0;
      for (const side of [this.#client, this.#server]) side.received = side.seq;
      if (this.left === 2) {
        this.#send(writer, this.#client, Fin | Ack, payloads.EMPTY, 0, this.#rtt);
        advance(this.#client, 1);
      } else if (this.left === 1) {
        this.#send(writer, this.#server, Fin | Ack, payloads.EMPTY, 0, 300);
        advance(this.#server, 1);
      } else {
        this.#send(writer, this.#client, Ack, payloads.EMPTY, 0, 0);
      }
      return;
    }
    if (index === 0) {
      this.#syn(writer);
    } else if (index === 1) {
      this.#send(writer, this.#server, Syn | Ack, payloads.EMPTY, 0, 60);
      advance(this.#server, 1);
    } else if (index === 2) {
      this.#send(writer, this.#client, Ack, payloads.EMPTY, 0, 500);
    } else if (index === 3) {
      const request = this.#firstWords();
      this.#data(writer, this.#client, Ack | Push, request, request.length, this.#rtt);
    } else if (index === 4) {
      const length = Math.min(this.#mss, 1000);
      const answer = this.#firstAnswer(length);
      this.#data(writer, this.#server, Ack | Push, answer, length, 90);
    } else if (index === 5) {
      this.#send(writer, this.#client, Ack, payloads.EMPTY, 0, 2000);
    } else {
      this.#exchange(writer);
    }
  }

  /**
   * Bursts from one side or the other; every second segment is acknowledged, and the last.
   *
   * @param {FrameWriter} writer
   */
  #exchange(writer) {
    const receiver = this.#sender === this.#client ? this.#server : this.#client;
    if (this.#unacknowledged >= 2 || (this.#burst === 0 && this.#unacknowledged > 0)) {
      this.#unacknowledged = 0;
      if (this.#lostBytes > 0) this.#resending = true;
      this.#send(writer, receiver, TcpFlag.Ack, payloads.EMPTY, 0, this.#burst > 0 ? 40 : this.#nextPause());
      return;
    }
    if (this.#resending) {
      const sender = this.#sender;
      const seq = sender.seq;
      sender.seq = sender.received;
      this.#resending = false;
      this.#send(writer, sender, TcpFlag.Ack, payloads.EMPTY, this.#lostBytes, 70);
      sender.seq = seq;
      sender.received = seq;
      this.#lostBytes = 0;
      this.#unacknowledged = 2;
      return;
    }
    if (this.#burst === 0) this.#beginBurst();
    if (this.#burst === 0) {
      // Too little room before the end for a burst and its acknowledgement.
      this.#send(writer, this.#client, TcpFlag.Ack, payloads.EMPTY, 0, this.#nextPause());
      return;
    }
    this.#burst--;
    const isLast = this.#burst === 0;
    const length = isLast ? this.#lastSegmentBytes : this.#mss;
    if (this.#burst > 3 && this.#lostBytes === 0 && this.#head.length === 0 && this.#random() < 0.004) {
      // Lost before it came to us; the next segment takes its place in the file.
      this.#lostBytes = length;
      advance(this.#sender, length, false);
      this.#burst--;
    }
    this.#unacknowledged++;
    this.#data(writer, this.#sender, isLast ? TcpFlag.Ack | TcpFlag.Push : TcpFlag.Ack, this.#head, length, 15);
    this.#head = payloads.EMPTY;
  }

  #beginBurst() {
    const manners = MANNERS[/** @type {keyof typeof MANNERS} */ (this.#plan.kind)];
    this.#sender = this.#random() < manners.fromServer ? this.#server : this.#client;
    const room = Math.floor(((this.left - CLOSING_PACKETS) * 2) / 3);
    let segments = 1;
    while (segments < MOST_SEGMENTS && this.#random() < 1 - 1 / manners.segments) segments++;
    if (segments > room) segments = Math.min(segments, Math.max(0, room));
    if (segments === 0) return;

    let total = 0;
    if (this.#plan.kind === "tor") {
      // A whole number of cells in a record, none of which fills the first segments by itself.
      const least = (segments - 1) * this.#mss + 30;
      const cells = Math.min(31, Math.max(1, Math.ceil((least - RECORD_OVERHEAD - 5) / CELL_BYTES)));
      total = cells * CELL_BYTES + RECORD_OVERHEAD + 5;
      segments = Math.ceil(total / this.#mss);
    } else {
      total = (segments - 1) * this.#mss + 40 + Math.floor(this.#random() * (this.#mss - 40));
    }
    this.#burst = segments;
    this.#lastSegmentBytes = total - (segments - 1) * this.#mss;
    this.#head = this.#messageHead(total);
  }

  /** @param {number} total Length of the message, its head included. */
  #messageHead(total) {
    switch (this.#plan.kind) {
      case "tor":
      case "https":
      case "relay-other-port":
        return payloads.applicationData(total - 5);
      case "bitcoin": {
        const commands = ["inv", "tx", "getdata", "headers", "addrv2", "ping", "cmpctblock"];
        const command = commands[this.#exchanges++ % commands.length] ?? "inv";
        return payloads.bitcoinHeader(command, total - 24, this.#random);
      }
      default:
        return payloads.EMPTY;
    }
  }

  #firstWords() {
    const { kind, serverName } = this.#plan;
    if (kind === "bitcoin") return padded(payloads.bitcoinHeader("version", 102, this.#random), 126, this.#random);
    if (kind === "ssh") return Buffer.from("SSH-2.0-OpenSSH_9.2p1\r\n", "ascii");
    if (kind === "http") return payloads.httpRequest(serverName);
    if (kind === "local") return payloads.randomBytes(60, this.#random);
    return payloads.clientHello(serverName, this.#random);
  }

  /** @param {number} length The head is at most as long. */
  #firstAnswer(length) {
    const { kind } = this.#plan;
    if (kind === "bitcoin") return payloads.bitcoinHeader("version", length - 24, this.#random);
    if (kind === "ssh") return Buffer.from("SSH-2.0-OpenSSH_9.2p1\r\n", "ascii");
    if (kind === "http") return payloads.httpResponse();
    if (kind === "local") return payloads.EMPTY;
    const helloBytes = payloads.serverHello(this.#random, 0).length;
    return payloads.serverHello(this.#random, length - helloBytes);
  }

  /** @param {FrameWriter} writer */
  #syn(writer) {
    this.#send(writer, this.#client, TcpFlag.Syn, payloads.EMPTY, 0, this.#rtt);
    advance(this.#client, 1);
  }

  /**
   * @param {FrameWriter} writer
   * @param {Side} sender
   * @param {number} flags
   * @param {Uint8Array} head
   * @param {number} length
   * @param {number} pause Microseconds until the next packet.
   */
  #data(writer, sender, flags, head, length, pause) {
    this.#send(writer, sender, flags, head, length, pause);
    advance(sender, length, this.#lostBytes === 0);
  }

  /**
   * @param {FrameWriter} writer
   * @param {Side} sender
   * @param {number} flags
   * @param {Uint8Array} head
   * @param {number} length
   * @param {number} pause Microseconds until the next packet.
   */
  #send(writer, sender, flags, head, length, pause) {
    const receiver = sender === this.#client ? this.#server : this.#client;
    const isSyn = (flags & TcpFlag.Syn) !== 0;
    const segment = this.#segment;
    sender.ipId = (sender.ipId + 1) & 0xffff;
    sender.tsLast = (sender.tsOffset + Math.floor(this.time / 1000)) | 0;
    segment.ipId = sender.ipId;
    segment.seq = (flags & TcpFlag.Rst) !== 0 ? 0 : sender.seq;
    segment.ack = (flags & TcpFlag.Ack) !== 0 ? receiver.received : 0;
    segment.flags = flags;
    segment.window = isSyn ? 64240 : sender.window;
    segment.mss = isSyn ? (this.#plan.version === 6 ? 1440 : 1460) : 0;
    segment.hasTimestamps = this.#hasTimestamps && (flags & TcpFlag.Rst) === 0;
    segment.tsValue = sender.tsLast;
    segment.tsEcho = receiver.tsLast;
    const hasHole = length === 0 && this.#lostBytes > 0 && receiver === this.#sender;
    segment.sackStart = hasHole ? (receiver.received + this.#lostBytes) | 0 : 0;
    segment.sackEnd = hasHole ? receiver.seq : 0;
    writer.tcp(this.time, sender.template, segment, head, length);
    this.#wait(pause);
  }

  /**
   * @param {FrameWriter} writer
   * @param {number} index
   */
  #dns(writer, index) {
    const { serverName, version, serverAddress } = this.#plan;
    const sender = index === 0 ? this.#client : this.#server;
    const message =
      index === 0
        ? payloads.dnsQuery(this.#dnsId, serverName, version)
        : payloads.dnsAnswer(this.#dnsId, serverName, version, answerAddress(serverAddress));
    writer.udp(this.time, sender.template, sender.ipId, message, message.length);
    this.#wait(this.#rtt);
  }

  /**
   * @param {FrameWriter} writer
   * @param {number} index
   */
  #quic(writer, index) {
    const isFirst = index < 2;
    const fromServer = isFirst ? index === 1 : this.#random() < 0.75;
    const sender = fromServer ? this.#server : this.#client;
    sender.ipId = (sender.ipId + 1) & 0xffff;
    const length = isFirst || fromServer ? 1232 : 30 + Math.floor(this.#random() * 60);
    const head = isFirst
      ? fromServer
        ? payloads.quicServerInitial(this.#random, length)
        : payloads.quicClientInitial(this.#plan.serverName, this.#random, length)
      : Buffer.of(0x40 | Math.floor(this.#random() * 64));
    writer.udp(this.time, sender.template, sender.ipId, head, length);
    this.#wait(isFirst ? this.#rtt : this.#random() < 0.7 ? 50 : this.#nextPause());
  }

  #nextPause() {
    return Math.round(-Math.log(1 - this.#random()) * this.#pause);
  }

  /** @param {number} micros */
  #wait(micros) {
    this.time += micros + Math.floor(this.#random() * 30);
    if (this.time > this.#end) this.time = this.#end;
  }
}

/**
 * @param {Side} side
 * @param {number} bytes
 * @param {boolean} [arrives]
 */
function advance(side, bytes, arrives = true) {
  side.seq = (side.seq + bytes) | 0;
  if (arrives) side.received = side.seq;
}

/** @param {PlannedFlow} plan */
function hasHandshake({ kind }) {
  return kind !== "dns" && kind !== "quic" && kind !== "refused" && kind !== "unanswered";
}

/**
 * The address that a name is said to have: a server's, derived from the resolver's so that no state is needed.
 *
 * @param {Buffer} resolver
 */
function answerAddress(resolver) {
  const address = Buffer.from(resolver);
  if (address.length === 4) address[0] = 150;
  else address.writeUInt16BE(0x2607, 0);
  return address;
}

/**
 * @param {Buffer} head
 * @param {number} length
 * @param {() => number} random
 */
function padded(head, length, random) {
  return Buffer.concat([head, payloads.randomBytes(length - head.length, random)]);
}
