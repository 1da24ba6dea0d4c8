import { FactKeeper, FlowFacts } from "../../../src/apps/flow-facts.js";
import { type FlowContext, Match, PassiveNames, type StreamProtocol } from "../../../src/apps/index.js";
import { StreamHead, type StreamSide } from "../../../src/streams/index.js";

export function newContext(responderPort = 47_000): FlowContext {
  const now = new FactKeeper();
  const ports = { originator: 50_000, responder: responderPort };
  return { facts: new FlowFacts(now), ports, isListed: false, names: new PassiveNames(), now };
}

/** The first bytes of a direction. */
export function headOf(bytes: Uint8Array, fromStart = true): StreamHead {
  const head = new StreamHead();
  head.reset(fromStart);
  head.append(bytes, 0, bytes.length, Infinity);
  // As of a head that was used before.
  head.bytes.fill(0x16, head.length);
  return head;
}

/** What is understood of one direction that ends with these bytes, as when a snaplen cut it; undefined when nothing. */
export function ofCut(
  protocol: StreamProtocol,
  bytes: Uint8Array,
  { side = 0 as StreamSide, fromStart = true, port = 47_000 } = {},
): FlowFacts | undefined {
  const head = headOf(bytes, fromStart);
  head.ended = true;
  const context = newContext(port);
  if (bytes.length === 0 || protocol.match(head, side, context.ports) !== Match.Yes) return undefined;
  protocol.open(context).read(side, head);
  return context.facts;
}
