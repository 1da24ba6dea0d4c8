import { ascii, concat, dnsName, hex, ipv4Bytes, ipv6Bytes, u16, u32 } from "../../support/packet-builder.js";

// Messages as the RFCs draw them, for the tests of the datagram protocols.

type Bytes = Uint8Array | readonly number[];

export const CLIENT_MAC = "02:00:5e:00:53:01";
export const SERVER_MAC = "02:00:5e:00:53:02";

// ----------------------------------------------------------------------- DHCP

export interface DhcpFields {
  readonly op?: number;
  readonly hardwareType?: number;
  readonly mac?: string;
  readonly yourAddress?: string;
  readonly cookie?: number;
  readonly serverName?: Bytes;
  readonly file?: Bytes;
}

/** @param options - Code and value; a number alone is a byte of its own (pad, end). */
export function dhcpMessage(fields: DhcpFields, ...options: readonly (readonly [number, Bytes] | number)[]) {
  const field = (bytes: Bytes, length: number) => concat(bytes, new Uint8Array(length - bytes.length));
  const mac = hex(fields.mac ?? CLIENT_MAC);
  return concat(
    [fields.op ?? 1, fields.hardwareType ?? 1, mac.length, 0],
    u32(0x3903f326),
    u32(0),
    u32(0),
    ipv4Bytes(fields.yourAddress ?? "0.0.0.0"),
    u32(0),
    u32(0),
    field(mac, 16),
    field(fields.serverName ?? [], 64),
    field(fields.file ?? [], 128),
    u32(fields.cookie ?? 0x63825363),
    ...options.map((option) =>
      typeof option === "number" ? [option] : concat([option[0], option[1].length], option[1]),
    ),
  );
}

export const discover = dhcpMessage(
  {},
  [53, [1]],
  [61, concat([1], hex(CLIENT_MAC))],
  [50, ipv4Bytes("192.168.50.2")],
  [12, ascii("alices-laptop")],
  [60, ascii("MSFT 5.0")],
  0,
  [55, [1, 3, 6, 15]],
  255,
);
export const offer = dhcpMessage(
  { op: 2, yourAddress: "192.168.50.2" },
  [53, [2]],
  [54, ipv4Bytes("192.168.50.1")],
  [51, u32(3600)],
  255,
);

// --------------------------------------------------------------------- DHCPv6

export function option6(code: number, ...value: readonly Bytes[]): Uint8Array {
  const bytes = concat(...value);
  return concat(u16(code), u16(bytes.length), bytes);
}

export function dhcpv6Message(type: number, ...options: readonly Uint8Array[]): Uint8Array {
  return concat([type, 0xab, 0xcd, 0xef], ...options);
}

/** Identifier with link-layer address and time, and without time. */
export const duidLlt = concat(u16(1), u16(1), u32(0x2a3b4c5d), hex(CLIENT_MAC));
export const duidLl = concat(u16(3), u16(1), hex(SERVER_MAC));
export const solicit = dhcpv6Message(
  1,
  option6(1, duidLlt),
  option6(6, u16(23), u16(39)),
  option6(16, u32(311), u16(8), ascii("MSFT 5.0")),
  option6(39, [1], dnsName("alices-laptop.example.org")),
);
export const advertise = dhcpv6Message(2, option6(1, duidLlt), option6(2, duidLl));
export const relayed = concat(
  [12, 0],
  ipv6Bytes("2001:db8:50::1"),
  ipv6Bytes("fe80::2"),
  option6(79, u16(1), hex("02:00:5e:00:53:03")),
  option6(9, solicit),
);

// ------------------------------------------------------------ NAT-PMP and PCP

export const natPmpAddress = Uint8Array.of(0, 0);
export const natPmpAddressIs = concat([0, 128], u16(0), u32(1234), ipv4Bytes("203.0.113.7"));
export const natPmpMap = concat([0, 2], u16(0), u16(6881), u16(6881), u32(7200));
export const natPmpMapped = concat([0, 130], u16(0), u32(1234), u16(6881), u16(40_001), u32(3600));

const NONCE = hex("000102030405060708090a0b");

export function pcpRequest(operation: number, ...body: readonly Bytes[]): Uint8Array {
  return concat([2, operation, 0, 0], u32(7200), ipv6Bytes("::ffff:192.168.50.2"), ...body);
}

export function pcpResponse(operation: number, result: number, ...body: readonly Bytes[]): Uint8Array {
  return concat([2, operation | 0x80, 0, result], u32(3600), u32(1234), u32(0), u32(0), u32(0), ...body);
}

/** Protocol TCP. */
export function pcpMapping(internalPort: number, externalPort: number, externalAddress: string): Uint8Array {
  return concat(NONCE, [6, 0, 0, 0], u16(internalPort), u16(externalPort), ipv6Bytes(externalAddress));
}

export const pcpMap = pcpRequest(1, pcpMapping(8333, 0, "::ffff:0.0.0.0"));
export const pcpMapped = pcpResponse(1, 0, pcpMapping(8333, 40_002, "::ffff:203.0.113.7"));
export const pcpPeer = pcpRequest(2, pcpMapping(50_000, 0, "::"), u16(8333), u16(0), ipv6Bytes("::ffff:198.51.100.9"));

// ------------------------------------------------------------------------ NTP

export function ntpMessage(
  mode: number,
  fields: { readonly version?: number; readonly stratum?: number; readonly referenceId?: Bytes } = {},
  ...more: readonly Bytes[]
): Uint8Array {
  const { version = 4, stratum = 0, referenceId = u32(0) } = fields;
  return concat(
    [(version << 3) | mode, stratum, 6, 0xec],
    u32(0x100),
    u32(0x200),
    referenceId,
    new Uint8Array(24),
    hex("e9a1b2c3 d4e5f607"),
    ...more,
  );
}

export const ntpServer = ntpMessage(4, { stratum: 2, referenceId: ipv4Bytes("192.0.2.123") });
export const ntsRequest = ntpMessage(
  3,
  {},
  concat(u16(0x0104), u16(36), new Uint8Array(32)),
  concat(u16(0x0204), u16(104), new Uint8Array(100)),
);

// ----------------------------------------------------------------------- STUN

const COOKIE = hex("2112a442");
const TRANSACTION = hex("b7e7a701bc34d686fa87dfae");

export function attribute(type: number, ...value: readonly Bytes[]): Uint8Array {
  const bytes = concat(...value);
  return concat(u16(type), u16(bytes.length), bytes, new Uint8Array(-bytes.length & 3));
}

export function stunMessage(type: number, attributes: readonly Uint8Array[] = [], cookie: Bytes = COOKIE) {
  const body = concat(...attributes);
  return concat(u16(type), u16(body.length), cookie, TRANSACTION, body);
}

// RFC 5769 2.1 to 2.3: sample request, and responses over IPv4 and IPv6.
export const stunSamples = {
  request: hex(`0001 0058 2112a442 b7e7a701bc34d686fa87dfae
    8022 0010 5354554e207465737420636c69656e74 0024 0004 6e0001ff 8029 0008 932ff9b151263b36
    0006 0009 6576746a3a68367659202020 0008 0014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
    8028 0004 e57a3bcf`),
  ipv4: hex(`0101 003c 2112a442 b7e7a701bc34d686fa87dfae
    8022 000b 7465737420766563746f7220 0020 0008 0001a147e112a643
    0008 0014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 8028 0004 c07d4c96`),
  ipv6: hex(`0101 0048 2112a442 b7e7a701bc34d686fa87dfae
    8022 000b 7465737420766563746f7220 0020 0014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    0008 0014 a382954e4be67bf11784c97c8292c275bfe3ed41 8028 0004 c8fb0b4c`),
} as const;

/** 198.51.100.9:8333, covered by the cookie. */
export const xorPeer = attribute(0x0012, [0, 1], u16(8333 ^ 0x2112), u32(0xc6336409 ^ 0x2112a442));
export const turnPermission = stunMessage(0x0008, [
  xorPeer,
  attribute(0x0006, ascii("alice")),
  attribute(0x0014, ascii("example.org")),
]);
/** RFC 3489: no cookie. */
export const classicRequest = stunMessage(0x0001, [], u32(0x01020304));
export const classicResponse = stunMessage(
  0x0101,
  [attribute(0x0001, [0, 1], u16(32_853), ipv4Bytes("192.0.2.1"))],
  u32(0x01020304),
);
