import { ApplicationTracker, type DatagramProtocol, type FlowFacts } from "../../../src/apps/index.js";
import { ethernet, filler, ipv4, type Segment, udp } from "../../support/packet-builder.js";
import { captured, decode } from "../../support/packets.js";

const CLIENT = "192.168.50.2";
const SERVER = "203.0.113.80";

/** A datagram in IPv4, with a port for each side: the first one that is given is the sender's. */
export function datagram(srcPort: number, dstPort: number, payload: Uint8Array, src = CLIENT, dst = SERVER) {
  return ethernet({}, ipv4({ src, dst }, udp({ srcPort, dstPort }, payload)));
}

export function inIpv4(segment: Segment): Uint8Array {
  return ethernet({}, ipv4({ src: CLIENT, dst: SERVER }, segment));
}

/**
 * What is understood of the frames of one flow, whose originator sent the first one. Other bytes lie around each.
 *
 * @param snaplen - Bytes captured of each frame.
 */
export function overFrames(
  datagrams: readonly DatagramProtocol[],
  frames: readonly Uint8Array[],
  snaplen = Infinity,
  around = filler(100),
): FlowFacts | undefined {
  const tracker = new ApplicationTracker({ streams: [], datagrams });
  let first: string | undefined;
  frames.forEach((frame, i) => {
    const packet = captured(frame, {
      number: i + 1,
      captured: Math.min(snaplen, frame.length),
      padding: { before: 5, after: around },
    });
    const headers = decode(packet);
    const source = [headers.srcA, headers.srcB, headers.srcC, headers.srcD, headers.srcPort].join();
    if (first === undefined) {
      first = source;
      tracker.begin(0, headers.protocol, headers.srcPort, headers.dstPort);
    }
    tracker.observe(0, source === first ? 0 : 1, packet, headers);
  });
  return tracker.factsOf(0);
}
