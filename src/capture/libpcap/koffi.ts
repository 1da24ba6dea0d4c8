export type Koffi = typeof import("koffi");

/** A `pcap_t *`, a `FILE *` or another address that only C looks behind; null is C's NULL. */
export type Pointer = unknown;
