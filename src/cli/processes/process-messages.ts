import type { ProcessMatch } from "../../host/index.js";

/** Queries in one question at most; a question is an array of ProcessQuery, for tcp and udp. */
export const MAX_QUERIES = 256;

/** The helper's answer to a question, in its order. */
export interface ProcessAnswer {
  readonly matches: readonly ProcessMatch[];
  /** Processes whose sockets the helper may not see. */
  readonly unreadable: number;
}
