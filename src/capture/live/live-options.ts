/** What an interface did while packets were captured from it. */
export interface LiveEvent {
  readonly interface: string;
  readonly kind: "up" | "down" | "gone" | "warning";
  /** One sentence for people, without the time: there is no clock here. */
  readonly message: string;
}

export interface LiveOptions {
  /** At least one; `any` means all of the machine's. */
  readonly interfaces: readonly string[];
  /** A pcap-filter expression for the kernel. Names of hosts are refused: they would be looked up. */
  readonly expression: string | undefined;
  /** Bytes kept of a packet, 1 to MAX_SNAPLEN. */
  readonly snaplen: number;
  readonly promiscuous: boolean;
  /** Whether the kernel hands over each packet at once, instead of blocks of them. */
  readonly immediate: boolean;
  /** Bytes of the kernel's buffer, for each interface. */
  readonly bufferBytes: number;
  readonly backend: "libpcap" | "cap";
  /** Where the capture worker's file is: it is built as a file of its own. */
  readonly worker: URL;
  readonly onEvent?: (event: LiveEvent) => void;
  /** Milliseconds since 1970-01-01 UTC; asked by the backend `cap` only, which has no times of its own. */
  readonly now?: () => number;
}
