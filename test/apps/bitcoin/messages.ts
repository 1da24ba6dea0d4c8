import { createHash } from "node:crypto";

/** Magics as they stand on the wire, of Bitcoin Core's chainparams.cpp. */
export const MAGIC = {
  main: "f9beb4d9",
  testnet3: "0b110907",
  testnet4: "1c163f28",
  signet: "0a03cf40",
  regtest: "fabfb5da",
} as const;

export function message(command: string, payload: Uint8Array = Buffer.alloc(0), magic: string = MAGIC.main): Buffer {
  const header = Buffer.alloc(24);
  header.write(magic, 0, "hex");
  header.write(command, 4, 12, "latin1");
  header.writeUInt32LE(payload.length, 16);
  const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
  sha256(sha256(payload)).copy(header, 20, 0, 4);
  return Buffer.concat([header, payload]);
}

export interface VersionFields {
  readonly protocolVersion?: number;
  readonly services?: bigint;
  readonly time?: bigint;
  /** IP addresses as 16 bytes in hex. */
  readonly receiver?: readonly [address: string, port: number];
  readonly sender?: readonly [address: string, port: number];
  readonly userAgent?: string;
  readonly height?: number;
  readonly relay?: number;
}

export const ipv4Mapped = (address: string) =>
  `00000000000000000000ffff${Buffer.from(address.split(".").map(Number)).toString("hex")}`;

export function version(fields: VersionFields = {}): Buffer {
  const { protocolVersion = 70_016, services = 0x409n, time = 1_700_000_000n, relay = 1 } = fields;
  const { userAgent = "/Satoshi:29.0.0/", height = 900_000 } = fields;
  const start = Buffer.alloc(20);
  start.writeInt32LE(protocolVersion, 0);
  start.writeBigUInt64LE(services, 4);
  start.writeBigInt64LE(time, 12);
  const address = ([hex, port]: readonly [string, number] = ["", 0]) => {
    const bytes = Buffer.alloc(26);
    bytes.write(hex, 8, "hex");
    bytes.writeUInt16BE(port, 24);
    return bytes;
  };
  const end = Buffer.alloc(5);
  end.writeInt32LE(height, 0);
  end[4] = relay;
  const agent = Buffer.from(userAgent, "utf8");
  const nonce = Buffer.from("0102030405060708", "hex");
  const { receiver, sender } = fields;
  return Buffer.concat([start, address(receiver), address(sender), nonce, size(agent.length), agent, end]);
}

/** A compact size. */
export function size(value: number): Buffer {
  if (value < 253) return Buffer.of(value);
  return Buffer.of(253, value & 0xff, value >> 8);
}

/** An entry of `addr`; the address is 16 bytes in hex. */
export function addrEntry(address: string, port: number): Buffer {
  const entry = Buffer.alloc(30);
  entry.writeUInt32LE(1_700_000_000, 0);
  entry.writeUInt32LE(0x409, 4);
  entry.write(address, 12, "hex");
  entry.writeUInt16BE(port, 28);
  return entry;
}

export function addrV2Entry(network: number, address: Uint8Array, port: number): Buffer {
  const time = Buffer.alloc(4);
  time.writeUInt32LE(1_700_000_000);
  const end = Buffer.of(port >> 8, port & 0xff);
  return Buffer.concat([time, size(0x409), Buffer.of(network), size(address.length), address, end]);
}

export const list = (...entries: readonly Uint8Array[]) => Buffer.concat([size(entries.length), ...entries]);
