import type { StreamHead, StreamSide } from "../streams/index.js";
import { type FlowContext, type FlowPorts, Match, type StreamProtocol, type StreamReader } from "./protocol-reader.js";

/** Acts one and two: version 1, ephemeral public key 33, tag 16. */
const ACT_BYTES = 50;
const VERSION = 0;
/** Where Core Lightning and LND listen: main, and Core Lightning's testnet, testnet4, signet and regtest. */
const PORTS: ReadonlySet<number> = new Set([9735, 19735, 49735, 39735, 19846]);

/**
 * Lightning between nodes, by the shape of its handshake: each side begins with 50 bytes, a zero and a point on
 * secp256k1, and the first one waits for the second. Random bytes that are so long pass once in 2^16 for one side, in 2^32
 * for both. One side alone counts on Lightning's ports only.
 *
 * All else is encrypted. The first act can only be read by who knows the responder's key; nothing tells it to others.
 *
 * Source: BOLT 8, "Handshake Exchange".
 */
export const lightning: StreamProtocol = {
  protocol: "lightning",
  match(head: StreamHead, side: StreamSide): Match {
    const { bytes, length } = head;
    // The responder's act says nothing when what came before it was another's.
    if (side === 1) return Match.No;
    if (bytes[0] !== VERSION || (length > 1 && bytes[1] !== 2 && bytes[1] !== 3) || length > ACT_BYTES) return Match.No;
    if (length < ACT_BYTES) return Match.NeedMore;
    return isAct(head) ? Match.Yes : Match.No;
  },
  open: (context) => new LightningReader(context),
};

/** Whether the first 50 bytes may be one of the first two acts. */
function isAct({ bytes }: StreamHead): boolean {
  return bytes[0] === VERSION && (bytes[1] === 2 || bytes[1] === 3) && isOnCurve(bytes, 2);
}

/** Names the flow when both acts were seen, or on Lightning's port. */
class LightningReader implements StreamReader {
  readonly #context: FlowContext;
  /** Bytes of each side so far; 0 while its act is not whole. */
  readonly #length = [0, 0];
  #failed = false;

  constructor(context: FlowContext) {
    this.#context = context;
  }

  read(side: StreamSide, head: StreamHead): number {
    const length = this.#length;
    if (this.#failed) return Infinity;
    if (head.length < ACT_BYTES) return ACT_BYTES;
    const other = length[side === 0 ? 1 : 0]!;
    const isFirst = length[side] === 0;
    length[side] = head.length;
    if (isFirst && isAct(head) && head.length === ACT_BYTES && (other === 0 || other === ACT_BYTES)) {
      if (other !== 0) this.#recognise(2);
      else if (isLightningPort(this.#context.ports)) this.#recognise(1);
      // Who says more before the other one has answered does not speak Lightning.
      return other !== 0 ? Infinity : ACT_BYTES + 1;
    }
    if (isFirst || other === 0) this.#failed = true;
    return Infinity;
  }

  #recognise(acts: 1 | 2): void {
    const { facts } = this.#context;
    facts.recognise("lightning", "shape");
    facts.detail("acts", acts);
  }
}

function isLightningPort({ responder }: FlowPorts): boolean {
  return PORTS.has(responder);
}

/** SEC 2: secp256k1 is y^2 = x^3 + 7 modulo this prime. */
const P = 2n ** 256n - 2n ** 32n - 977n;

/**
 * Whether there is a point with the 32 bytes at `at` as its x: of half of all numbers there is. Takes some 20 µs, twice for
 * a flow at most.
 */
function isOnCurve(bytes: Uint8Array, at: number): boolean {
  let x = 0n;
  for (let i = 0; i < 32; i += 4) {
    const word = (bytes[at + i]! << 24) | (bytes[at + i + 1]! << 16) | (bytes[at + i + 2]! << 8) | bytes[at + i + 3]!;
    x = (x << 32n) | BigInt(word >>> 0);
  }
  return x < P && isSquare((x * x * x + 7n) % P);
}

/** Whether a number has a square root modulo P: its Jacobi symbol, by the binary algorithm. */
function isSquare(value: bigint): boolean {
  let a = value;
  let n = P;
  let positive = true;
  while (a !== 0n) {
    while ((a & 1n) === 0n) {
      a >>= 1n;
      const rest = Number(n & 7n);
      if (rest === 3 || rest === 5) positive = !positive;
    }
    if ((a & 3n) === 3n && (n & 3n) === 3n) positive = !positive;
    [a, n] = [n % a, a];
  }
  return n === 1n && positive;
}
