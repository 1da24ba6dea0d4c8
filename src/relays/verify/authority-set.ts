import { parseUtcTime } from "../../base/index.js";
import { AUTHORITIES, type Authority } from "../authorities.js";

/**
 * When an authority changed its key, documents of the weeks around may be signed with either: the date known is that of
 * a tor release, not of the change.
 */
const ROTATION_SECONDS = 180 * 86_400;

/** One authority of a moment, under all v3 identities that it may have signed with then. */
export interface Voter {
  readonly nickname: string;
  readonly identities: ReadonlySet<string>;
}

/** The directory authorities that leek believes, at any moment. */
export class AuthoritySet {
  readonly #dated: readonly DatedAuthority[];

  /**
   * @param authorities - Those without a v3 identity sign nothing.
   * @param isBuiltIn - Whether these are the public network's, and not those that a user named for another one.
   */
  private constructor(
    readonly authorities: readonly Authority[],
    readonly isBuiltIn: boolean,
  ) {
    this.#dated = authorities.flatMap(dated);
  }

  /** Those of the public network. */
  static builtIn(): AuthoritySet {
    return new AuthoritySet(AUTHORITIES, true);
  }

  /** Those of another network, such as a private one. */
  static of(authorities: readonly Authority[]): AuthoritySet {
    return new AuthoritySet(authorities, false);
  }

  /** @param seconds - Since 1970-01-01 UTC. */
  at(seconds: number): readonly Voter[] {
    const current = this.#dated.filter(({ from, until }) => from <= seconds && seconds < until);
    const byName = new Map<string, Set<string>>();
    for (const { name } of current) byName.set(name, new Set());
    for (const { name, identity, from, until } of this.#dated) {
      // An earlier or later identity of one that is there now; one that was removed does not come back by this.
      if (from - ROTATION_SECONDS <= seconds && seconds < until + ROTATION_SECONDS) byName.get(name)?.add(identity);
    }
    return Array.from(byName, ([nickname, identities]) => ({ nickname, identities }));
  }
}

interface DatedAuthority {
  readonly name: string;
  readonly identity: string;
  readonly from: number;
  readonly until: number;
}

function dated({ nickname, v3Identity, since, until }: Authority): DatedAuthority[] {
  if (v3Identity === undefined) return [];
  const day = (text: string | undefined, open: number) => (text === undefined ? open : (parseUtcTime(text) ?? open));
  // Some are written with a capital letter in one release and without in another.
  const name = nickname.toLowerCase();
  return [{ name, identity: v3Identity.toUpperCase(), from: day(since, -Infinity), until: day(until, Infinity) }];
}
