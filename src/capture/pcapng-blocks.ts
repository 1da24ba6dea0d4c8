// Names and sizes from draft-ietf-opsawg-pcapng §4.

export const BlockType = {
  /** The same in either byte order, so that a section's beginning can be seen before its byte order is known. */
  SectionHeader: 0x0a0d0d0a,
  InterfaceDescription: 1,
  /** Obsolete; still written by old tools. */
  Packet: 2,
  SimplePacket: 3,
  InterfaceStatistics: 5,
  EnhancedPacket: 6,
} as const;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** Type, length, and the length again at the end. */
export const MIN_BLOCK_BYTES = 12;
/** As libpcap and Wireshark: a longer block is taken for garbage. */
export const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
export const MIN_SECTION_HEADER_BYTES = 28;
/** As libpcap. */
export const MAX_SECTION_HEADER_BYTES = 1024 * 1024;
export const MIN_INTERFACE_BLOCK_BYTES = 20;
/** Enhanced and obsolete packet blocks: 8 of block header, 20 of their own, 4 of trailing length. */
export const MIN_PACKET_BLOCK_BYTES = 32;
export const MIN_SIMPLE_PACKET_BYTES = 16;
export const MIN_STATISTICS_BYTES = 24;

/**
 * Where the value of the next option with this code lies; options are code u16 | length u16 | value padded to 4.
 *
 * @param at - Offset of an option list.
 * @param end - Offset just past the list.
 * @returns Offset of the value, whose length is the u16 in the two bytes before it; -1 when there is none. A list that
 *   runs past `end` has no further options.
 */
export function findOption(view: DataView, at: number, end: number, littleEndian: boolean, code: number): number {
  let option = at;
  while (option + 4 <= end) {
    const found = view.getUint16(option, littleEndian);
    const length = view.getUint16(option + 2, littleEndian);
    const value = option + 4;
    if (found === 0 || value + length > end) return -1;
    if (found === code) return value;
    option = value + ((length + 3) & ~3);
  }
  return -1;
}
