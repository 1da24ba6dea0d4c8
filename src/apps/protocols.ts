import type { ProtocolSet } from "./application-tracker.js";

/** All that leek recognises, in the order in which it is tried. */
export const PROTOCOL_SET: ProtocolSet = { streams: [], datagrams: [] };
