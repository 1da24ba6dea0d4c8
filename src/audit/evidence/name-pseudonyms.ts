import { formatEndpoint, formatIpAddress, type IpAddress, parseAddress, parseEndpoint } from "../../net/index.js";

/** Kinds of facts whose value is a host, by name or address, perhaps with a port. */
const HOST_KINDS: ReadonlySet<string> = new Set([
  "server-name",
  "certificate-name",
  "dns-question",
  "onion-name",
  "http-host",
  "host-name",
  "proxy-target",
  "peer-address",
  "public-address",
]);
const ONION = /\.onion(?:\.|$)/i;
/** What may be an address within a sentence. */
const ADDRESS_LIKE = /[0-9a-f:.]{3,}/gi;

/** Other words in place of names and what else a capture says; the same for the same throughout a run. */
export class NamePseudonyms {
  readonly #map: (address: IpAddress) => IpAddress;
  readonly #words = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  constructor(map: (address: IpAddress) => IpAddress) {
    this.#map = map;
  }

  /** What a flow discloses of some kind. */
  disclosed(kind: string, value: string): string {
    if (HOST_KINDS.has(kind)) return this.host(value);
    if (kind !== "dns-answer") return this.word("redacted-", value);
    // NAME -> ADDRESS or another name
    const arrow = value.indexOf(" -> ");
    if (arrow < 0) return this.host(value);
    return `${this.host(value.slice(0, arrow))} -> ${this.host(value.slice(arrow + 4))}`;
  }

  /** A name or an address, perhaps with a port, which stays. */
  host(text: string): string {
    const endpoint = parseEndpoint(text);
    if (endpoint !== undefined) {
      return formatEndpoint({ address: formatIpAddress(this.#map(endpoint.address)), port: endpoint.port });
    }
    const [, name = text, port = ""] = /^(.*?)(:\d{1,5})?$/s.exec(text) ?? [];
    // Names are the same in either case, and with a dot at the end.
    const canonical = name.toLowerCase().replace(/\.$/, "");
    return ONION.test(canonical)
      ? `${this.word("onion-", canonical)}.onion${port}`
      : `${this.word("name-", canonical)}.invalid${port}`;
  }

  /** An address in text, or ADDR/LENGTH, of which the length goes. */
  address(text: string): string {
    const address = parseAddress(text.split("/")[0]!);
    return address === undefined ? this.word("redacted-", text) : formatIpAddress(this.#map(address));
  }

  /** @param prefix - Of the word, which ends with a number. */
  word(prefix: string, text: string): string {
    const key = `${prefix} ${text}`;
    let word = this.#words.get(key);
    if (word === undefined) {
      const number = (this.#counts.get(prefix) ?? 0) + 1;
      this.#counts.set(prefix, number);
      word = `${prefix}${number}`;
      this.#words.set(key, word);
    }
    return word;
  }

  /** One of leek's own sentences, in which there may be addresses. */
  sentence(text: string): string {
    return text.replace(ADDRESS_LIKE, (found) => {
      // A full stop may end the sentence.
      const [, body = found, end = ""] = /^(.*?)(\.?)$/.exec(found) ?? [];
      return parseAddress(body) === undefined ? found : `${this.address(body)}${end}`;
    });
  }
}
