import { randomInt } from "node:crypto";
import { LeekError } from "../../base/index.js";
import { embedsIpv4, formatIpAddress, type IpAddress, type LocalRange, localRange } from "../../net/index.js";

/** Some hundred bytes each; more come only from a capture that was made to fill memory. */
const MAX_ADDRESSES = 500_000;
/** Of random numbers from a range; in vain only where it is nearly full. */
const MAX_TRIES = 1_000;
const WORD = 2 ** 32;
/** Half of 198.18.0.0/15 (RFC 2544): beyond it, addresses come from 240.0.0.0/4. */
const BENCHMARK_ADDRESSES = 65_536;
const SSDP_GROUP = 0xeffffffa | 0;

/**
 * Other addresses in place of those of a capture: by chance, so that nothing leads back, and the same for the same
 * throughout a run. Each stays in its range: private stays private, what is on the internet becomes an address that nobody has
 * (RFC 2544, RFC 3849). Addresses that mean the same everywhere (0.0.0.0, 127.0.0.1, well-known groups) stay as they are.
 */
export class AddressPseudonyms {
  readonly #isPublic: (address: IpAddress) => boolean;
  readonly #avoid: ReadonlySet<string>;
  readonly #pseudonyms = new Map<string, IpAddress>();
  readonly #used = new Set<string>();
  #benchmark = 0;

  /**
   * @param isPublic - Whether an address is to be kept: a relay's, so that it can be looked up. No other address becomes
   *   one of these.
   * @param avoid - Addresses of the capture in canonical text, as far as they are known: none of them becomes another's.
   */
  constructor(isPublic: (address: IpAddress) => boolean, avoid: ReadonlySet<string>) {
    this.#isPublic = isPublic;
    this.#avoid = avoid;
  }

  /** Of the same version and range. @throws {LeekError} LEEK_EVIDENCE_TOO_LARGE. */
  readonly of = (address: IpAddress): IpAddress => {
    const { version, a, b, c, d } = address;
    if (version === 6 && embedsIpv4(a, b, c)) {
      return { version, a, b, c, d: this.of({ version: 4, a: 0, b: 0, c: 0, d }).d };
    }
    const key = formatIpAddress(address);
    let pseudonym = this.#pseudonyms.get(key);
    if (pseudonym === undefined) {
      if (this.#pseudonyms.size >= MAX_ADDRESSES) throw tooMany();
      const range = localRange(version, a, b, c, d);
      const stays = meansTheSameEverywhere(address, range) || this.#isPublic(address);
      pseudonym = stays ? address : this.#draw(address, range);
      this.#pseudonyms.set(key, pseudonym);
    }
    return pseudonym;
  };

  #draw(address: IpAddress, range: LocalRange | undefined): IpAddress {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const drawn = address.version === 4 ? this.#drawIpv4(range) : drawIpv6(address, range);
      const text = formatIpAddress(drawn);
      if (this.#used.has(text) || this.#avoid.has(text) || this.#isPublic(drawn)) continue;
      if (localRange(drawn.version, drawn.a, drawn.b, drawn.c, drawn.d) !== range) continue;
      if (meansTheSameEverywhere(drawn, range)) continue;
      this.#used.add(text);
      return drawn;
    }
    throw tooMany();
  }

  #drawIpv4(range: LocalRange | undefined): IpAddress {
    const [network, bits] = this.#ipv4Network(range);
    return { version: 4, a: 0, b: 0, c: 0, d: network | randomInt(2 ** bits) | 0 };
  }

  /** @returns A network, and how many bits are free in it. */
  #ipv4Network(range: LocalRange | undefined): readonly [network: number, bits: number] {
    switch (range) {
      case undefined:
        return this.#benchmark++ < BENCHMARK_ADDRESSES ? [0xc6120000, 17] : [0xf0000000, 28];
      case "private":
        return [0x0a000000, 24];
      case "loopback":
        return [0x7f000000, 24];
      case "link-local":
        return [0xa9fe0000, 16];
      case "shared":
        return [0x64400000, 22];
      case "multicast":
        return [0xef000000, 24];
      default:
        return [0, 24];
    }
  }
}

function drawIpv6({ a, b }: IpAddress, range: LocalRange | undefined): IpAddress {
  const [c, d] = [word(), word()];
  switch (range) {
    case undefined:
      return { version: 6, a: 0x20010db8, b: word(), c, d };
    case "unique-local":
      return { version: 6, a: 0xfd000000 | randomInt(2 ** 24) | 0, b: word(), c, d };
    case "link-local":
      return { version: 6, a: 0xfe800000 | 0, b: 0, c, d };
    case "multicast":
      // Flags and scope stay.
      return { version: 6, a: a & 0xffff0000, b: word(), c, d };
    default:
      return { version: 6, a, b, c, d };
  }
}

function word(): number {
  return randomInt(WORD) | 0;
}

/** Groups that the IANA has given out; of IPv6 without those that end with a part of somebody's address (RFC 4291 2.7.1). */
function meansTheSameEverywhere({ version, a, b, c, d }: IpAddress, range: LocalRange | undefined): boolean {
  switch (range) {
    case "unspecified":
    case "broadcast":
      return version === 6 || d === 0 || d === -1;
    case "loopback":
      return version === 6 || d === 0x7f000001;
    case "multicast":
      if (version === 4) return d >>> 8 === 0xe00000 || d === SSDP_GROUP;
      return (a & 0xffff) === 0 && b === 0 && c === 0 && d >>> 0 < 0x20000;
    default:
      return false;
  }
}

function tooMany(): LeekError {
  return new LeekError(
    "LEEK_EVIDENCE_TOO_LARGE",
    "bad-data",
    "There are too many addresses to give each another one.",
    {
      hint: "Keep the evidence of a shorter time, or leave --redact out.",
    },
  );
}
