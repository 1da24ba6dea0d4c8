import { type CapturedPacket, LinkType } from "../base/index.js";
import { type CompileOptions, checkExpression, compileExpression } from "../capture/libpcap/index.js";
import { type BpfFunction, parseBpfProgram } from "./bpf-program.js";
import { createInterpreter } from "./interpreter.js";
import { compileToJavaScript } from "./javascript.js";

const NO_LINK_TYPE = -1;

/**
 * A pcap-filter expression, ready for packets of any link type. libpcap's programs are tied to one link type, so each
 * gets its own: at `prepare`, or else at its first packet.
 */
export class PacketFilter {
  readonly #functions = new Map<number, BpfFunction>();
  #linkType = NO_LINK_TYPE;
  #run: BpfFunction = () => 0;

  /** Use compileFilter. */
  constructor(readonly expression: string) {}

  /**
   * Compiles for a link type before its first packet, so that a user hears of mistakes at once.
   *
   * @throws {LeekError} LEEK_FILTER_SYNTAX, or LEEK_FILTER_LINK_TYPE where this link type's packets do not have what
   *   the expression asks for.
   */
  prepare(linkType: number): void {
    if (!this.#functions.has(linkType)) this.#functions.set(linkType, compileForLinkType(this.expression, linkType));
  }

  /**
   * True when the expression holds for the packet. Allocates nothing, but for the first packet of a link type.
   *
   * Looks at captured bytes only: what asks for bytes beyond them is false for the whole expression, `not` included.
   *
   * @throws {LeekError} As `prepare`, at the first packet of a link type that was not prepared.
   */
  matches(packet: CapturedPacket): boolean {
    if (packet.linkType !== this.#linkType) this.#select(packet.linkType);
    return this.#run(packet.view, packet.start, packet.end, packet.originalLength) !== 0;
  }

  #select(linkType: number): void {
    this.prepare(linkType);
    this.#run = this.#functions.get(linkType)!;
    this.#linkType = linkType;
  }
}

/**
 * A filter by a pcap-filter expression (man pcap-filter); an empty one lets every packet pass. Host names are refused:
 * leek never asks the network.
 *
 * @throws {LeekError} LEEK_LIBPCAP_MISSING; LEEK_FILTER_HOST_NAME; LEEK_FILTER_TOO_LONG. Other mistakes show when a
 *   link type is known, in `prepare` or `matches`.
 */
export function compileFilter(expression: string): PacketFilter {
  checkExpression(expression);
  return new PacketFilter(expression);
}

function compileForLinkType(expression: string, linkType: number): BpfFunction {
  if (linkType !== LinkType.NULL) return compile(expression, { linkType });

  // The address family is in the order of the machine that wrote it, whatever the file's own order says.
  const little = compile(expression, { linkType, byteOrder: "little" });
  const big = compile(expression, { linkType, byteOrder: "big" });
  return (view, start, end, originalLength) => {
    const isBig = end - start >= 2 && view.getUint16(start) === 0;
    return isBig ? big(view, start, end, originalLength) : little(view, start, end, originalLength);
  };
}

function compile(expression: string, options: CompileOptions): BpfFunction {
  const program = parseBpfProgram(compileExpression(expression, options));
  return compileToJavaScript(program) ?? createInterpreter(program);
}
