import type { IpAddress } from "../net/index.js";
import type { ConsensusDocument } from "../relays/index.js";
import { DIR_ROLE, type EndpointRow, type MonthIndex, OR_ROLE } from "./month-index.js";

interface Row extends EndpointRow {
  readonly runs: number[];
}

interface Relay {
  readonly fingerprint: string;
  readonly states: number[];
  /** Few: a relay seldom has more than an IPv4 and an IPv6 endpoint, and seldom moves. */
  readonly rows: Row[];
}

const STATE_LENGTH = 4;

/**
 * Collects who was listed where in which documents of a month. Documents have numbers, by time; they may be added in any
 * order, each once.
 */
export class MonthBuilder {
  readonly relays: Relay[] = [];
  readonly #relays = new Map<string, Relay>();
  readonly #nicknames = new Interned();
  readonly #flagSets = new Interned();

  get nicknames(): readonly string[] {
    return this.#nicknames.texts;
  }

  get flagSets(): readonly string[] {
    return this.#flagSets.texts;
  }

  addDocument(number: number, document: ConsensusDocument): void {
    const relays: Relay[] = [];
    // The list of a flag set is one object for all relays that have it.
    const flagSets = new Map<readonly string[], number>();
    for (let i = 0; i < document.relayCount; i++) {
      const { nickname, fingerprint, flags } = document.identity(i);
      let flagSet = flagSets.get(flags);
      if (flagSet === undefined) {
        flagSet = this.#flagSets.numberOf(flags.join(" "));
        flagSets.set(flags, flagSet);
      }
      const relay = this.#relay(fingerprint);
      addState(relay.states, number, number, this.#nicknames.numberOf(nickname), flagSet);
      relays.push(relay);
    }
    document.forEachEndpoint((a, b, c, d, port, index, version) => {
      addRun(this.#row(relays[index]!, { version, a, b, c, d }, port, OR_ROLE).runs, number, number);
    });
    for (const [i, relay] of relays.entries()) {
      const { d, port } = document.dirEndpoint(i);
      if (port === 0) continue;
      addRun(this.#row(relay, { version: 4, a: 0, b: 0, c: 0, d }, port, DIR_ROLE).runs, number, number);
    }
  }

  /**
   * Adds what an earlier index says of documents that are still there.
   *
   * @param numbers - For each of its documents the number here, ascending; -1 for one that has gone.
   */
  addIndex(index: MonthIndex, numbers: readonly number[]): void {
    const nicknames = index.meta.nicknames.map((text) => this.#nicknames.numberOf(text));
    const flagSets = index.meta.flagSets.map((text) => this.#flagSets.numberOf(text));
    const relays = Array.from({ length: index.relayCount }, (_, i) => this.#relay(index.fingerprint(i)));
    for (const [i, relay] of relays.entries()) {
      const states = index.states(i);
      for (let at = 0; at < states.length; at += STATE_LENGTH) {
        const [first, last, nickname, flagSet] = states.subarray(at, at + STATE_LENGTH);
        forEachKept(first!, last!, numbers, (from, to) =>
          addState(relay.states, from, to, nicknames[nickname!]!, flagSets[flagSet!]!),
        );
      }
    }
    for (const { relay, port, role, runs, ...address } of index.endpoints()) {
      const row = this.#row(relays[relay]!, address, port, role);
      for (let at = 0; at < runs.length; at += 2) {
        forEachKept(runs[at]!, runs[at + 1]!, numbers, (from, to) => addRun(row.runs, from, to));
      }
    }
  }

  /** The rows, each with its runs in order. */
  finish(): { readonly endpoints: EndpointRow[]; readonly relays: Relay[] } {
    const endpoints: EndpointRow[] = [];
    // Relays of documents that have all gone are left out, so numbers are given anew.
    const relays = this.relays.filter(({ states }) => states.length > 0);
    for (const [number, { rows, states }] of relays.entries()) {
      inOrder(states, STATE_LENGTH);
      for (const row of rows) {
        inOrder(row.runs, 2);
        endpoints.push({ ...row, relay: number });
      }
    }
    return { endpoints, relays };
  }

  #relay(fingerprint: string): Relay {
    let relay = this.#relays.get(fingerprint);
    if (relay === undefined) {
      relay = { fingerprint, states: [], rows: [] };
      this.#relays.set(fingerprint, relay);
      this.relays.push(relay);
    }
    return relay;
  }

  #row(relay: Relay, { version, a, b, c, d }: IpAddress, port: number, role: number): Row {
    for (const row of relay.rows) {
      if (row.d === d && row.port === port && row.role === role && row.version === version) {
        if (row.a === a && row.b === b && row.c === c) return row;
      }
    }
    const row = { version, a, b, c, d, port, role, relay: 0, runs: [] };
    relay.rows.push(row);
    return row;
  }
}

/** Texts by number. */
class Interned {
  readonly texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.texts.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }
}

function addRun(runs: number[], from: number, to: number): void {
  const last = runs.length - 1;
  if (last > 0 && runs[last] === from - 1) runs[last] = to;
  else if (last < 0 || runs[last] !== to) runs.push(from, to);
}

function addState(states: number[], from: number, to: number, nickname: number, flagSet: number): void {
  const last = states.length - STATE_LENGTH;
  if (last >= 0) {
    // A document that lists a relay twice is taken by its first word.
    if (states[last + 1] === to) return;
    if (states[last + 1] === from - 1 && states[last + 2] === nickname && states[last + 3] === flagSet) {
      states[last + 1] = to;
      return;
    }
  }
  states.push(from, to, nickname, flagSet);
}

/** Parts of a run that are still there and still side by side. */
function forEachKept(
  first: number,
  last: number,
  numbers: readonly number[],
  visit: (from: number, to: number) => void,
): void {
  for (let i = first; i <= last; i++) {
    const from = numbers[i]!;
    if (from < 0) continue;
    while (i < last && numbers[i + 1] === numbers[i]! + 1) i++;
    visit(from, numbers[i]!);
  }
}

/** Sorts runs, and joins neighbours that say the same. Most are in order already. */
function inOrder(runs: number[], length: 2 | 4): void {
  const pieces: number[][] = [];
  for (let at = 0; at < runs.length; at += length) pieces.push(runs.slice(at, at + length));
  if (pieces.every((piece, i) => i === 0 || pieces[i - 1]![1]! < piece[0]!)) return;
  pieces.sort((x, y) => x[0]! - y[0]!);
  runs.length = 0;
  for (const [from, to, nickname, flagSet] of pieces) {
    if (length === 2) addRun(runs, from!, to!);
    else addState(runs, from!, to!, nickname!, flagSet!);
  }
}
