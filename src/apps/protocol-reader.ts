import type { PacketHeaders } from "../decode/index.js";
import type { FrameKind, StreamHead, StreamSide } from "../streams/index.js";
import type { FactKeeper, FlowFacts, Protocol } from "./flow-facts.js";
import type { PassiveNames } from "./passive-names.js";

/** Whether bytes are of a protocol. */
export const Match = { No: 0, NeedMore: 1, Yes: 2 } as const;
export type Match = (typeof Match)[keyof typeof Match];

/**
 * The ports of a flow: hints only. A class, as V8 gives all plain objects with these two keys one shape, and makes that
 * anew when a number elsewhere outgrows it: each flow's ports then took a slow way.
 */
export class FlowPorts {
  constructor(
    readonly originator: number,
    readonly responder: number,
  ) {}
}

/** What a reader of one flow works with. */
export interface FlowContext {
  readonly facts: FlowFacts;
  readonly ports: FlowPorts;
  /** Lists tell that it is a link of Tor's: how it looks is of no interest. */
  readonly isListed: boolean;
  /** What the capture's own DNS answers said so far, of all flows. */
  readonly names: PassiveNames;
  /** Number and time of the packet that is being read. */
  readonly now: FactKeeper;
}

/** A protocol over TCP. */
export interface StreamProtocol {
  readonly protocol: Protocol;
  /**
   * Whether a direction that begins with these bytes speaks it. Called with few bytes first; NeedMore is allowed up to
   * 128 bytes. Must not match what is merely possible: a false name is worse than none.
   *
   * @param side - Who sent them: 0 the originator.
   */
  match(head: StreamHead, side: StreamSide, ports: FlowPorts): Match;
  /** Begins to read a flow of it. Calls `facts.recognise`, or later, when one side alone cannot tell. */
  open(context: FlowContext): StreamReader;
}

/** Reads the beginnings of both directions of one flow. Never throws, whatever the bytes. */
export interface StreamReader {
  /**
   * Reads what has come of one direction: `head` has all bytes from its beginning, so a reader remembers where it stopped,
   * and does not begin anew for each segment (one byte each in the worst case).
   *
   * @returns The length at which there is more to read; Infinity when this direction has nothing more to tell.
   */
  read(side: StreamSide, head: StreamHead): number;
  /** Frames whose boundaries are to be followed; undefined: none. */
  readonly frames?: FrameKind | undefined;
  /**
   * Told of each frame's header, see FrameVisitor. Allocates nothing.
   *
   * @returns Whether there is more to learn from frames: if so for the whole flow.
   */
  frame?(side: StreamSide, view: DataView, at: number, bodyBytes: number): boolean;
  /**
   * Asked when a direction has nothing more to tell: whether the other one has neither, so that its first bytes need not be
   * kept.
   */
  readonly isRead?: boolean;
  /** Asked with it: whether frames have nothing more to tell, as the next one would be answered. */
  readonly isSettled?: boolean;
}

/** A protocol over UDP, or (ICMP) over IP itself. */
export interface DatagramProtocol {
  readonly protocol: Protocol;
  /**
   * Whether this datagram is of the protocol; its payload is [headers.payloadStart, headers.payloadEnd) of `view`, and
   * payloadLength bytes on the wire. By content first; the port alone only where the content cannot tell.
   */
  match(view: DataView, headers: PacketHeaders): boolean;
  /** Begins to read a flow of it. Calls `facts.recognise`. */
  open(context: FlowContext): DatagramReader;
}

/** Reads the datagrams of one flow. Never throws, whatever the bytes. */
export interface DatagramReader {
  /**
   * @param side - Who sent it: 0 the originator.
   * @returns Whether it wants to see the next one too.
   */
  read(view: DataView, headers: PacketHeaders, side: StreamSide): boolean;
}
