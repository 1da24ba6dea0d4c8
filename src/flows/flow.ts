import type { Endpoint, LocalRange } from "../net/index.js";

/** How far a TCP connection got, as far as the capture shows it. */
export type TcpState = "syn-sent" | "established" | "mid-stream" | "closing" | "closed" | "reset";

/** A count for each direction. */
export interface PerSide {
  readonly originator: number;
  readonly responder: number;
}

/** A moment: whole seconds since 1970-01-01 UTC, and nanoseconds. */
export interface Moment {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** The tunnel that carried a flow whose addresses are the inner ones. */
export interface Tunnel {
  readonly kind: "ipip" | "6in4" | "gre";
  /** Addresses of the tunnel's ends, as they stood on the wire in the flow's first packet. */
  readonly source: string;
  readonly destination: string;
}

/** The read-only picture of one row of the flow table: a bidirectional 5-tuple and what was counted for it. */
export interface Flow {
  readonly row: number;
  /** Order in which flows began, from 0. */
  readonly serial: number;
  /** `tcp`, `udp`, `icmp`, ... */
  readonly transport: string;
  readonly ipVersion: 4 | 6;
  readonly originator: Endpoint;
  readonly responder: Endpoint;
  /** Why an end is not on the internet; undefined for an internet address. */
  readonly originatorRange: LocalRange | undefined;
  readonly responderRange: LocalRange | undefined;
  /** True when no SYN was seen, so that a heuristic chose who opened the flow. */
  readonly originatorGuessed: boolean;
  /** Undefined unless the transport is TCP. */
  readonly tcpState: TcpState | undefined;
  readonly packets: PerSide;
  /** Wire lengths of whole frames. */
  readonly bytes: PerSide;
  readonly first: Moment;
  readonly last: Moment;
  readonly tunnel: Tunnel | undefined;
}
