const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/** The greatest number of bytes that libpcap keeps of a packet, and that tcpdump takes for one. */
export const MAX_SNAPLEN = 262_144;

/**
 * One captured frame: a window into its source's buffer, and what the capture says of it.
 *
 * A source overwrites the same object for each packet, and its buffer at each `fill()`: read what you need at
 * once, copy what you keep. `bytes` and `view` span many packets; only [start, end) belongs to this one.
 */
export class CapturedPacket {
  bytes: Uint8Array = NO_BYTES;
  /** Over the same memory as `bytes`, with the same offsets. */
  view: DataView = NO_VIEW;
  /** Offset of the first captured byte. */
  start = 0;
  /** Offset just past the last captured byte; `end - start` is the captured length. */
  end = 0;
  /** Length of the frame on the wire, in bytes; at least the captured length. */
  originalLength = 0;
  /** Whole seconds since 1970-01-01 UTC. */
  seconds = 0;
  /** 0 to 999,999,999. */
  nanoseconds = 0;
  /** False for pcapng Simple Packet Blocks, which carry no time: `seconds` is then that of the packet before. */
  hasTime = true;
  /** LINKTYPE_ number as registered for files (`LinkType`), of this packet's interface. */
  linkType = 0;
  /** Index into the source's `interfaces`; grows over sections. */
  interfaceIndex = 0;
  /** Counted from 1 in the order in which packets are read, as tcpdump -# and Wireshark do. */
  number = 0;

  /** Sets `bytes` and `view`: mostly the same as before, and for V8 to store an object costs more than to look. */
  lieIn(bytes: Uint8Array, view: DataView): void {
    if (this.view === view) return;
    this.bytes = bytes;
    this.view = view;
  }
}
