/**
 * An IPv4 address as a signed 32-bit integer in network order: 192.0.2.1 is 0xc0000201 | 0.
 * Signed, because V8 keeps such numbers unboxed; compare with `===`, format with `formatIpv4`.
 */
export type Ipv4 = number;

export function formatIpv4(address: Ipv4): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/**
 * Reads dotted-quad notation with four decimal numbers and no leading zeros (RFC 6943 3.1.1, the strict form).
 *
 * @returns undefined when the text is anything else.
 */
export function parseIpv4(text: string): Ipv4 | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let address = 0;
  for (let i = 1; i <= 4; i++) {
    const part = match[i]!;
    const byte = Number(part);
    if (byte > 255 || (part.length > 1 && part.startsWith("0"))) return undefined;
    address = (address << 8) | byte;
  }
  return address;
}
