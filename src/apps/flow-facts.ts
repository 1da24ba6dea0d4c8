import type { CellShape } from "./tor/cell-shape.js";

/** Protocols that leek recognises. `docs/applications.md` says by what. */
export const PROTOCOLS = [
  "tls",
  "quic",
  "http",
  "http-connect",
  "socks4",
  "socks5",
  "dns",
  "dns-over-tls",
  "dns-over-https",
  "mdns",
  "llmnr",
  "netbios-ns",
  "netbios-dgm",
  "ssdp",
  "nat-pmp",
  "pcp",
  "dhcp",
  "dhcpv6",
  "ntp",
  "stun",
  "dtls",
  "ssh",
  "smtp",
  "irc",
  "bittorrent",
  "icmp",
  "bitcoin",
  "bitcoin-v2",
  "electrum",
  "lightning",
  "monero",
] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/**
 * By what a protocol was recognised: by what was said (`content`); by sizes and randomness, where nothing can be read
 * (`shape`); by the port alone (`port`).
 */
export type RecognisedBy = "content" | "shape" | "port";

/** What kind of thing an observer learns. */
export const DISCLOSURE_KINDS = [
  "server-name",
  "certificate-name",
  "alpn",
  "tls-fingerprint",
  "dns-question",
  "dns-answer",
  "onion-name",
  "http-host",
  "http-path",
  "user-agent",
  "software",
  "host-name",
  "user-name",
  "mac-address",
  "service-name",
  "proxy-target",
  "peer-address",
  "public-address",
  "info-hash",
  "bitcoin-chain",
  "bitcoin-services",
  "bitcoin-height",
  "bitcoin-command",
  "mail-address",
  "wallet-query",
] as const;
export type DisclosureKind = (typeof DISCLOSURE_KINDS)[number];

/** A fact that anyone on the path can read. */
export interface Disclosure {
  readonly kind: DisclosureKind;
  /** As it stood on the wire: escape it for terminal, HTML and CSV. */
  readonly value: string;
  /** Number of the packet that proves it: the one that completed it. */
  readonly packet: number;
}

/** A request to a proxy. */
export interface ProxyRequest {
  /** Time and number of the packet that completed it. */
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly packet: number;
  /** `host:port`. */
  readonly target: string;
}

/** Where a flow's name came from. */
export type NameSource = "server-name" | "http-host" | "certificate" | "proxy-target" | "greeting";

export type DetailValue = string | number | boolean | readonly string[] | readonly number[];

/** What is kept of one flow at most, and how long a value may be. */
const MAX_DISCLOSURES = 64;
const MAX_VALUE_LENGTH = 256;
const MAX_NAMES = 8;
const MAX_DETAILS = 32;
const MAX_LIST = 64;

const DEFAULT_FACTS = 1_000_000;

/** What the facts of all flows share: which packet is being read, and how many more may be kept. */
export class FactKeeper {
  /** Of the packet that is being read; see CapturedPacket. */
  packet = 0;
  seconds = 0;
  nanoseconds = 0;
  /** Set when something is learned; whoever looks sets it back. */
  changed = false;

  /** @param left - Facts of live flows that may be kept: bounds the memory that a hostile capture can take. */
  constructor(public left: number = DEFAULT_FACTS) {}
}

/** What the packets of one flow say of themselves. Whoever reads a protocol writes here. */
export class FlowFacts {
  protocol: Protocol | undefined;
  by: RecognisedBy | undefined;
  /** What the originator asked a proxy for, and when. */
  proxyRequest: ProxyRequest | undefined;
  /** What the sizes of its records say of Tor; of TLS flows only. */
  torShape: CellShape | undefined;
  /** Lists call it a link of Tor's, but the first bytes of its originator are no TLS record. */
  beginsUnlikeTls = false;
  /** Facts that are not kept, as there were too many. */
  more = 0;
  /** Counts changes, so that whoever shows a flow notices what is new. */
  version = 0;
  readonly #keeper: FactKeeper;
  readonly #names: { readonly name: string; readonly source: NameSource }[] = [];
  readonly #disclosures: Disclosure[] = [];
  // Of details, in the same order. To look through a handful is quicker than a Map, and takes less memory.
  readonly #keys: string[] = [];
  readonly #values: DetailValue[] = [];

  constructor(keeper: FactKeeper) {
    this.#keeper = keeper;
  }

  /** Number of the packet that is being read. */
  get packet(): number {
    return this.#keeper.packet;
  }

  get names(): readonly { readonly name: string; readonly source: NameSource }[] {
    return this.#names;
  }

  get disclosures(): readonly Disclosure[] {
    return this.#disclosures;
  }

  /** Facts of the protocol itself, such as its version; keys in camelCase, see docs/applications.md. Made anew each time. */
  get details(): ReadonlyMap<string, DetailValue> {
    return new Map(this.#keys.map((key, i) => [key, this.#values[i]!]));
  }

  get detailKeys(): readonly string[] {
    return this.#keys;
  }

  /** In the order of `detailKeys`. */
  get detailValues(): readonly DetailValue[] {
    return this.#values;
  }

  /** One of them; undefined where there is none. */
  detailOf(key: string): DetailValue | undefined {
    const index = this.#indexOf(key);
    return index < 0 ? undefined : this.#values[index];
  }

  /** The protocol of the flow. A later call overrules: HTTP CONNECT was HTTP at first. */
  recognise(protocol: Protocol, by: RecognisedBy): void {
    this.protocol = protocol;
    this.by = by;
    this.#note();
  }

  /**
   * A fact for whoever looks at this flow alone. Lists are cut at 64 items, strings at 256 characters. A list that needs no
   * cut is kept as it is, and not copied: who adds to it calls this again.
   */
  detail(key: string, value: DetailValue): void {
    const kept = bounded(value);
    const index = this.#indexOf(key);
    if (index < 0) {
      if (this.#keys.length >= MAX_DETAILS) return;
      this.#keys.push(key);
      this.#values.push(kept);
    } else {
      if (this.#values[index] === kept && typeof kept !== "object") return;
      this.#values[index] = kept;
    }
    this.#note();
  }

  /** What the remote side is called. */
  name(name: string, source: NameSource): void {
    if (name === "" || this.#names.length >= MAX_NAMES) return;
    const value = cut(name);
    for (const known of this.#names) if (known.name === value) return;
    this.#names.push({ name: value, source });
    this.#note();
  }

  /** A fact that anyone on the path learns from the packet that is being read. The same one counts once. */
  disclose(kind: DisclosureKind, value: string): void {
    const text = cut(value);
    for (const known of this.#disclosures) if (known.kind === kind && known.value === text) return;
    if (this.#disclosures.length >= MAX_DISCLOSURES || this.#keeper.left <= 0) {
      this.more++;
      return;
    }
    this.#keeper.left--;
    this.#disclosures.push({ kind, value: text, packet: this.#keeper.packet });
    this.#note();
  }

  /** `torShape` came to look like Tor, or does so no more. */
  shapeChanged(): void {
    this.#keeper.changed = true;
  }

  #indexOf(key: string): number {
    const keys = this.#keys;
    for (let i = 0; i < keys.length; i++) if (keys[i] === key) return i;
    return -1;
  }

  #note(): void {
    this.version++;
    this.#keeper.changed = true;
  }

  /** To be called when the flow has ended and nobody needs its facts any more. */
  release(): void {
    this.#keeper.left += this.#disclosures.length;
  }
}

function cut(text: string): string {
  return text.length <= MAX_VALUE_LENGTH ? text : text.slice(0, MAX_VALUE_LENGTH);
}

function bounded(value: DetailValue): DetailValue {
  if (typeof value === "string") return cut(value);
  if (typeof value !== "object" || fits(value)) return value;
  const list = value.slice(0, MAX_LIST);
  return list.map((item) => (typeof item === "string" ? cut(item) : item)) as readonly string[] | readonly number[];
}

function fits(list: readonly (string | number)[]): boolean {
  if (list.length > MAX_LIST) return false;
  for (const item of list) if (typeof item === "string" && item.length > MAX_VALUE_LENGTH) return false;
  return true;
}
