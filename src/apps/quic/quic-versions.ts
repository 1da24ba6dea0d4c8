/** Types of packets with a long header, whatever number a version gives them. */
export const PacketType = { Initial: 0, ZeroRtt: 1, Handshake: 2, Retry: 3 } as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/** What differs from version to version before a connection's own keys are used. */
export interface QuicVersion {
  /** `1`, `2`, `draft-29`. */
  readonly name: string;
  /** From which the keys of Initial packets are made. */
  readonly salt: Uint8Array;
  /** What the labels of keys begin with. */
  readonly label: "quic" | "quicv2";
  /** By the two bits of the first byte. */
  readonly types: readonly [PacketType, PacketType, PacketType, PacketType];
}

const { Initial, ZeroRtt, Handshake, Retry } = PacketType;
const SALT_V1 = Buffer.from("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "hex");
const SALT_V2 = Buffer.from("0dede3def700a6db819381be6e269dcbf9bd2ed9", "hex");
const SALT_DRAFT_29 = Buffer.from("afbfec289993d24c9e9786f19c6111e04390a899", "hex");
const SALT_DRAFT_23 = Buffer.from("c3eef712c72ebb5a11a7d2432bb46365bef9f502", "hex");

/** RFC 9001 5.2; RFC 9369 3 for version 2; 5.2 of each draft, of which those are named that saw wide use. */
const VERSIONS: ReadonlyMap<number, QuicVersion> = new Map([
  [0x00000001, likeVersion1("1", SALT_V1)],
  [0x6b3343cf, { name: "2", salt: SALT_V2, label: "quicv2", types: [Retry, Initial, ZeroRtt, Handshake] }],
  ...[23, 24, 25, 26, 27, 28].map((draft) => draftVersion(draft, SALT_DRAFT_23)),
  ...[29, 30, 31, 32].map((draft) => draftVersion(draft, SALT_DRAFT_29)),
  ...[33, 34].map((draft) => draftVersion(draft, SALT_V1)),
]);

/** A version by its number on the wire; undefined of those whose Initial packets leek cannot read. */
export function quicVersion(number: number): QuicVersion | undefined {
  return VERSIONS.get(number);
}

/** Numbers kept free so that a client or a server provokes version negotiation (RFC 9000 15). */
export function isReservedVersion(number: number): boolean {
  return (number & 0x0f0f0f0f) >>> 0 === 0x0a0a0a0a;
}

function likeVersion1(name: string, salt: Uint8Array): QuicVersion {
  return { name, salt, label: "quic", types: [Initial, ZeroRtt, Handshake, Retry] };
}

function draftVersion(draft: number, salt: Uint8Array): [number, QuicVersion] {
  return [0xff000000 + draft, likeVersion1(`draft-${draft}`, salt)];
}
