import { formatAddress } from "../../net/index.js";
import type { StreamHead } from "../../streams/index.js";

export const VERSION = 5;
export const USER_PASSWORD_VERSION = 1;

export const Method = { None: 0, Gssapi: 1, UserPassword: 2, NoneAcceptable: 0xff } as const;

/** The functions below give the length of a message in bytes, or one of these. */
export const NEED_MORE = 0;
export const NO_MESSAGE = -1;

/** Programs offer three at most; the registered ones are nine. */
const MAX_METHODS = 16;
const AddressType = { Ipv4: 1, Name: 3, Ipv6: 4 } as const;

/** Commands of RFC 1928 4, and those of tor's socks-extensions. */
export const COMMANDS: ReadonlyMap<number, string> = new Map([
  [0x01, "connect"],
  [0x02, "bind"],
  [0x03, "udp-associate"],
  [0xf0, "resolve"],
  [0xf1, "resolve-ptr"],
]);

/** RFC 1928 6; from 0xf0 on ExtendedErrors of tor (prop 304, socks-extensions). */
export const REPLIES: ReadonlyMap<number, string> = new Map([
  [0x00, "succeeded"],
  [0x01, "general failure"],
  [0x02, "not allowed"],
  [0x03, "network unreachable"],
  [0x04, "host unreachable"],
  [0x05, "connection refused"],
  [0x06, "TTL expired"],
  [0x07, "command not supported"],
  [0x08, "address type not supported"],
  [0xf0, "onion service descriptor not found"],
  [0xf1, "onion service descriptor invalid"],
  [0xf2, "onion service introduction failed"],
  [0xf3, "onion service rendezvous failed"],
  [0xf4, "onion service needs client authorization"],
  [0xf5, "onion service client authorization wrong"],
  [0xf6, "onion address invalid"],
  [0xf7, "onion service introduction timed out"],
]);

/** `05 n methods(n)`: only methods that IANA knows or leaves to private use, and none twice. */
export function greetingBytes({ bytes, length }: StreamHead): number {
  if (bytes[0] !== VERSION) return NO_MESSAGE;
  if (length < 2) return NEED_MORE;
  const count = bytes[1]!;
  if (count === 0 || count > MAX_METHODS) return NO_MESSAGE;
  const end = 2 + count;
  for (let i = 2; i < Math.min(end, length); i++) {
    const method = bytes[i]!;
    if (!isMethod(method)) return NO_MESSAGE;
    for (let j = 2; j < i; j++) if (bytes[j] === method) return NO_MESSAGE;
  }
  return length < end ? NEED_MORE : end;
}

/** IANA "SOCKS Methods": 0 to 3, 5 to 9, and 0x80 to 0xfe for private use. */
function isMethod(method: number): boolean {
  return (method <= 9 && method !== 4) || (method >= 0x80 && method < Method.NoneAcceptable);
}

/** `01 n user(n) m password(m)`, RFC 1929 2. Both may be empty for tor. */
export function userPasswordBytes({ bytes, length }: StreamHead, at: number): number {
  if (length - at < 2) return NEED_MORE;
  const passwordAt = at + 2 + bytes[at + 1]!;
  if (passwordAt >= length) return NEED_MORE;
  const size = passwordAt + 1 + bytes[passwordAt]! - at;
  return length - at < size ? NEED_MORE : size;
}

/** `05 code 00 type address port(2)`: a request or a reply, RFC 1928 4 and 6. */
export function addressedBytes({ bytes, length }: StreamHead, at: number): number {
  if (length > at && bytes[at] !== VERSION) return NO_MESSAGE;
  if (length - at < 4) return NEED_MORE;
  if (bytes[at + 2] !== 0) return NO_MESSAGE;
  const size = 6 + addressBytes(bytes, length, at + 3);
  if (size < 6) return NO_MESSAGE;
  return length - at < size ? NEED_MORE : size;
}

/** Of an address, with the length before a name; negative when there is no such type. */
function addressBytes(bytes: Uint8Array, length: number, at: number): number {
  switch (bytes[at]) {
    case AddressType.Ipv4:
      return 4;
    case AddressType.Ipv6:
      return 16;
    case AddressType.Name:
      return 1 + (at + 1 < length ? bytes[at + 1]! : 0);
    default:
      return NO_MESSAGE;
  }
}

/** Host of a whole message of `size` bytes; a name is a character for each byte. */
export function hostOf({ bytes, view }: StreamHead, at: number, size: number): string {
  const address = at + 4;
  if (bytes[at + 3] === AddressType.Ipv4) return formatAddress(4, 0, 0, 0, view.getInt32(address));
  if (bytes[at + 3] === AddressType.Name) {
    return Buffer.from(bytes.buffer, address + 1, size - 7).toString("latin1");
  }
  const [a, b, c, d] = [0, 4, 8, 12].map((offset) => view.getInt32(address + offset));
  return formatAddress(6, a!, b!, c!, d!);
}
