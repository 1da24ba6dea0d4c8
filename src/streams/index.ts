export type { FrameVisitor } from "./frame-follower.js";
export { type FrameKind, MAX_FRAME_HEADER_BYTES, TLS_RECORDS } from "./frame-kind.js";
export { StreamHead } from "./stream-head.js";
export { type StreamLimits, type StreamObserver, type StreamSide, TcpStreams } from "./tcp-streams.js";
