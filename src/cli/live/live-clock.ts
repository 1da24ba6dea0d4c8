/** The time, and work to be done later, for what goes on beside a live capture. */
export interface LiveClock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Does something later, unless it is called off by what is returned. Does not keep the process alive. */
  after(ms: number, work: () => void): () => void;
}

export const SYSTEM_CLOCK: LiveClock = {
  now: Date.now,
  after(ms, work) {
    const timer = setTimeout(work, ms).unref();
    return () => clearTimeout(timer);
  },
};
