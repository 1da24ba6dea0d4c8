/** Azureus-style letters of clients that are seen most (BEP 20 and what programs say themselves). */
const CLIENTS: Readonly<Record<string, string>> = {
  AZ: "Vuze",
  BC: "BitComet",
  BI: "BiglyBT",
  BT: "BitTorrent",
  DE: "Deluge",
  FD: "Free Download Manager",
  KT: "KTorrent",
  LT: "libtorrent (Rasterbar)",
  lt: "libTorrent (rTorrent)",
  TR: "Transmission",
  UM: "uTorrent for Mac",
  UT: "uTorrent",
  WW: "WebTorrent",
  qB: "qBittorrent",
};

/** Azureus style, then Mainline's and Shadow's, which name themselves by a letter. */
const STYLES = /^(?:-[A-Za-z][A-Za-z~][0-9A-Za-z.]{4}-|M\d{1,2}-\d{1,2}-\d{1,2}-|[A-Z][0-9A-Za-z.-]{5}---)/;

/**
 * What program a peer id tells of: `qBittorrent -qB4630-`; the prefix alone where the program is unknown.
 *
 * Source: BEP 20.
 *
 * @param source - Has twenty bytes from `at` on.
 * @returns undefined where the id follows no convention.
 */
export function softwareOfPeerId(source: ArrayBufferView, at: number): string | undefined {
  const prefix = STYLES.exec(Buffer.from(source.buffer, source.byteOffset + at, 20).toString("latin1"))?.[0];
  if (prefix === undefined) return undefined;
  const name = prefix.startsWith("-") ? CLIENTS[prefix.slice(1, 3)] : undefined;
  return name === undefined ? prefix : `${name} ${prefix}`;
}

/** The program of a DHT node's `v`: two letters, then its version in two bytes. */
export function softwareOfNode(view: DataView, at: number): string | undefined {
  return CLIENTS[String.fromCharCode(view.getUint8(at), view.getUint8(at + 1))];
}

/** Twenty bytes as 40 lower-case hex digits. */
export function hashAt(view: DataView, at: number): string {
  return Buffer.from(view.buffer, view.byteOffset + at, 20).toString("hex");
}
