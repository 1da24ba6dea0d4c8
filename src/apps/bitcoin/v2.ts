import { type StreamHead, type StreamSide, TLS_RECORDS } from "../../streams/index.js";
import { type FlowContext, type FlowPorts, Match, type StreamProtocol, type StreamReader } from "../protocol-reader.js";
import { chainOfMagic, chainOfPort } from "./chains.js";
import { looksRandom } from "./randomness.js";

/** An ElligatorSwift key: all that a side says before it knows the other's. Up to 4,095 random bytes may follow. */
const KEY_BYTES = 64;
/**
 * What each side has said when both have greeted: key 64, terminator 16, version packet 20, and a `version` message of
 * 13 + 86 + 20 and more.
 */
const GREETING_BYTES = 192;

/**
 * Bitcoin between peers, transport version 2 (BIP 324): from its first byte it looks like random numbers, and was made to.
 * So this is a hint, not knowledge: the responder listens on a port where nodes do, the flow is seen from its SYN, neither
 * side begins as something known, and the first 192 bytes of both look random. Where both are random, all but 1 flow of 800
 * passes, whatever protocol it is of: all that is encrypted from its first byte on one of these five ports (obfs4,
 * Shadowsocks, an encrypted BitTorrent) is taken for it. Protocols that begin with a header or text are not.
 *
 * To be tried after all others.
 */
export const bitcoinV2: StreamProtocol = {
  protocol: "bitcoin-v2",
  match(head: StreamHead, _side: StreamSide, ports: FlowPorts): Match {
    if (!head.fromStart || chainOfPort(ports.responder) === undefined) return Match.No;
    if (head.length < KEY_BYTES) return Match.NeedMore;
    return isCandidate(head, KEY_BYTES) ? Match.Yes : Match.No;
  },
  open: (context) => new BitcoinV2Reader(context),
};

function isCandidate(head: StreamHead, length: number): boolean {
  // With 53 random bytes of its first 64, a ClientHello passes for random.
  if (chainOfMagic(head.view.getInt32(0)) !== undefined || TLS_RECORDS.bodyBytes(head.view, 0) >= 0) return false;
  return looksRandom(head.bytes, 0, length);
}

/** Names the flow only when both sides have been looked at. */
class BitcoinV2Reader implements StreamReader {
  readonly #context: FlowContext;
  readonly #passed = [false, false];
  #failed = false;

  constructor(context: FlowContext) {
    this.#context = context;
  }

  read(side: StreamSide, head: StreamHead): number {
    if (this.#failed || this.#passed[side]) return Infinity;
    if (head.length < GREETING_BYTES) return GREETING_BYTES;
    if (!head.fromStart || !isCandidate(head, KEY_BYTES) || !looksRandom(head.bytes, 0, GREETING_BYTES)) {
      this.#failed = true;
      return Infinity;
    }
    this.#passed[side] = true;
    if (this.#passed[0] && this.#passed[1]) this.#recognise();
    return Infinity;
  }

  #recognise(): void {
    const { facts, ports } = this.#context;
    facts.recognise("bitcoin-v2", "shape");
    facts.detail("v2", true);
    const chain = chainOfPort(ports.responder);
    if (chain !== undefined) facts.detail("chainByPort", chain.name);
  }
}
