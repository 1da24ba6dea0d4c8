import { AddressFilter } from "./address-filter.js";
import type { EndpointSource } from "./consensus.js";
import type { KnownRelays } from "./known-relays.js";

/** After so many questions filters pay: making them takes some 10 ms for 9,000 relays, a question without them 50 us. */
const QUESTIONS_BEFORE_FILTERS = 100;

/** Whether any document lists an address, at any time: false for nearly all addresses that none does, at little cost. */
export class ListedAddresses {
  #questions = 0;
  #addresses: AddressFilter | undefined;
  #endpoints: AddressFilter | undefined;

  /**
   * @param before - Of an earlier directory. Its filters are taken over and told what is new, for making them takes
   *   long; what is not listed any more stays a "maybe" in them.
   */
  constructor(
    private readonly sources: ReadonlySet<EndpointSource>,
    private readonly known: KnownRelays,
    before?: ListedAddresses,
  ) {
    if (before === undefined || before.#addresses === undefined) return;
    this.#addresses = before.#addresses;
    this.#endpoints = before.#endpoints;
    for (const source of sources) if (!before.sources.has(source)) this.#add(source);
    if (known !== before.known) known.forEachAddress((a, b, c, d) => this.#addresses!.add(a, b, c, d));
  }

  /** The words are those of `IpAddress`. */
  mayHave(a: number, b: number, c: number, d: number): boolean {
    if (this.#addresses === undefined && this.#questions++ === QUESTIONS_BEFORE_FILTERS) this.#makeFilters();
    return this.#addresses === undefined || this.#addresses.mayHave(a, b, c, d);
  }

  /** The same for an OR port of a document. */
  mayHavePort(a: number, b: number, c: number, d: number, port: number): boolean {
    return this.#endpoints === undefined || this.#endpoints.mayHave(withPort(a, port), b, c, d);
  }

  #makeFilters(): void {
    this.#addresses = new AddressFilter();
    this.#endpoints = new AddressFilter();
    for (const source of this.sources) this.#add(source);
    this.known.forEachAddress((a, b, c, d) => this.#addresses!.add(a, b, c, d));
  }

  #add(source: EndpointSource): void {
    const addresses = this.#addresses!;
    const endpoints = this.#endpoints!;
    source.forEachEndpoint((a, b, c, d, port) => {
      addresses.add(a, b, c, d);
      endpoints.add(withPort(a, port), b, c, d);
    });
  }
}

/** The first word of an address, mixed with a port, for a filter of endpoints. */
function withPort(a: number, port: number): number {
  return a ^ Math.imul(port, 0x9e3779b1);
}
