import { formatIpAddress, type IpAddress, type LocalRange, localRange, parseAddress } from "../net/index.js";

/** Addresses with the same first `prefixLength` bits. */
export interface Cidr extends IpAddress {
  /** 0 to 32, or to 128. */
  readonly prefixLength: number;
}

/** Reads `ADDR` or `ADDR/LENGTH`; undefined when the text is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const [, addressText = "", lengthText] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseAddress(addressText);
  if (address === undefined) return undefined;
  const most = lengthOf(address);
  const prefixLength = lengthText === undefined ? most : Number(lengthText);
  return prefixLength <= most ? { ...address, prefixLength } : undefined;
}

/** As parseCidr reads it; without the length where that is a single address. */
export function formatCidr(range: Cidr): string {
  const isSingle = range.prefixLength === lengthOf(range);
  return isSingle ? formatIpAddress(range) : `${formatIpAddress(range)}/${range.prefixLength}`;
}

export function contains(range: Cidr, address: IpAddress): boolean {
  if (range.version !== address.version) return false;
  const words: readonly (readonly [number, number])[] =
    range.version === 4
      ? [[range.d, address.d]]
      : [
          [range.a, address.a],
          [range.b, address.b],
          [range.c, address.c],
          [range.d, address.d],
        ];
  let left = range.prefixLength;
  for (const [mine, other] of words) {
    if (left <= 0) return true;
    // A shift by 32 is one by 0.
    const mask = left >= 32 ? -1 : ~(-1 >>> left);
    if (((mine ^ other) & mask) !== 0) return false;
    left -= 32;
  }
  return true;
}

/** Bits of an address. */
function lengthOf({ version }: IpAddress): number {
  return version === 4 ? 32 : 128;
}

const MAX_REMEMBERED = 65_536;

/** Whose traffic is audited, by its addresses. */
export class AuditedNode {
  readonly #answers = new Map<string, boolean>();
  #ranges: readonly Cidr[] | undefined;

  /** @param ranges - Undefined: not known, so that everybody's traffic is audited. */
  constructor(ranges: readonly Cidr[] | undefined) {
    this.#ranges = ranges;
  }

  get ranges(): readonly Cidr[] | undefined {
    return this.#ranges;
  }

  /** Takes in further addresses: a machine gets new ones while it is audited. */
  extend(ranges: readonly Cidr[]): void {
    const known = new Set(this.names);
    const added = ranges.filter((range) => !known.has(formatCidr(range)));
    if (this.#ranges === undefined || added.length === 0) return;
    this.#ranges = [...this.#ranges, ...added];
    this.#answers.clear();
  }

  get names(): string[] {
    return (this.ranges ?? []).map(formatCidr);
  }

  /** Whether an address in canonical text is the node's; undefined where its addresses are not known. */
  has(text: string): boolean | undefined {
    if (this.ranges === undefined) return undefined;
    let answer = this.#answers.get(text);
    if (answer === undefined) {
      const address = parseAddress(text);
      answer = address !== undefined && this.ranges.some((range) => contains(range, address));
      if (this.#answers.size >= MAX_REMEMBERED) this.#answers.clear();
      this.#answers.set(text, answer);
    }
    return answer;
  }

  /** An address of the node of this IP version, with which it can reach others than itself and its link. */
  addressOf(version: 4 | 6): IpAddress | undefined {
    return this.ranges?.find((range) => {
      const kind = localRange(range.version, range.a, range.b, range.c, range.d);
      return range.version === version && kind !== "loopback" && kind !== "link-local";
    });
  }

  /** Whether an address was named on its own, and not with a range of others: what is between two such stays inside. */
  isSingle(text: string): boolean {
    const address = parseAddress(text);
    return (
      address !== undefined &&
      (this.ranges ?? []).some((range) => range.prefixLength === lengthOf(range) && contains(range, address))
    );
  }

  /** Whether an address of this kind was named: a machine has several of IPv6, of which others may be forgotten. */
  hasOfKind(version: 4 | 6, kind: LocalRange | undefined): boolean {
    return (
      this.ranges === undefined ||
      this.ranges.some(
        (range) => range.version === version && localRange(version, range.a, range.b, range.c, range.d) === kind,
      )
    );
  }

  /** Whether there is an address of the node by which it can be on the internet with this IP version. */
  knows(version: 4 | 6): boolean {
    return this.ranges === undefined || this.addressOf(version) !== undefined;
  }
}
