import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatConsensus, generateRelays } from "../../bench/consensus-generator.mjs";
import { DirectorySources } from "../../src/cli/directory/directory-options.js";
import { LiveDirectory } from "../../src/cli/directory/live-directory.js";
import type { LiveClock } from "../../src/cli/live/live-clock.js";
import type { RelayDirectory } from "../../src/relays/index.js";

const HOUR = 3600;
const START = 1_700_000_000 - (1_700_000_000 % HOUR);
const RELAYS = generateRelays({ count: 20 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "leek-live-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A clock that goes when it is told. */
class TestClock implements LiveClock {
  ms = START * 1000;
  #plans: { at: number; work: () => void }[] = [];
  now = () => this.ms;

  after(ms: number, work: () => void) {
    const plan = { at: this.ms + ms, work };
    this.#plans.push(plan);
    return () => {
      this.#plans = this.#plans.filter((other) => other !== plan);
    };
  }

  get next(): number | undefined {
    return this.#plans.length === 0 ? undefined : (Math.min(...this.#plans.map(({ at }) => at)) - this.ms) / 1000;
  }

  /** Lets so much time pass, with a moment of the real one for files to be read after each work. */
  async pass(seconds: number) {
    for (const end = this.ms + seconds * 1000; ; ) {
      const due = this.#plans.filter(({ at }) => at <= end).sort((x, y) => x.at - y.at)[0];
      this.ms = due?.at ?? end;
      if (due === undefined) return;
      this.#plans = this.#plans.filter((other) => other !== due);
      due.work();
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    }
  }
}

let places = 0;
/** A live directory over a folder of its own; `add` puts the document of an hour there. */
async function live(...hours: number[]) {
  const place = join(folder, String(++places));
  mkdirSync(place);
  const add = (hour: number, name = `hour-${hour}`) =>
    writeFileSync(join(place, name), formatConsensus(RELAYS, { validAfter: START + hour * HOUR }));
  for (const hour of hours) add(hour);
  const clock = new TestClock();
  const sources = new DirectorySources({ consensus: [place], localConsensus: true });
  const directory = sources.directory(await sources.loadDocuments(START), { bridges: [], connections: [] });
  const said: string[] = [];
  const told: RelayDirectory[] = [];
  const options = {
    sources,
    directory,
    notes: sources.notes,
    tor: undefined,
    clock,
    say: (text: string) => said.push(text),
  };
  const live = new LiveDirectory(options);
  live.watch((newer) => told.push(newer));
  const has = () => live.directory.consensuses.map(({ validAfter }) => (validAfter - START) / HOUR);
  return { place, add, clock, live, said, told, has };
}

describe("the directory of a live capture", () => {
  it("looks when a newer document is due, and takes in what has come", async () => {
    const { add, clock, told, has, live: directory } = await live(0);
    expect(clock.next).toBe(HOUR);
    await clock.pass(HOUR);
    expect([told.length, clock.next]).toEqual([0, HOUR / 4]);
    add(1);
    await clock.pass(HOUR / 4);
    expect([told.length, has()]).toEqual([1, [0, 1]]);
    expect(told[0]).toBe(directory.directory);
    // Nothing new is nothing to tell.
    await clock.pass(HOUR);
    expect(told).toHaveLength(1);
    await directory.close();
    expect(clock.next).toBeUndefined();
  });

  it("holds a bounded number of documents over weeks, and still names them all in the report", async () => {
    const { add, clock, has, live: directory, place } = await live(0);
    for (let hour = 1; hour <= 64; hour++) {
      add(hour, "cached-microdesc-consensus");
      rmSync(join(place, "hour-0"), { force: true });
      await clock.pass(HOUR);
    }
    expect(has().length).toBeLessThan(55);
    expect(has().at(-1)).toBe(64);
    const span = { first: START, last: START + 64 * HOUR };
    expect(directory.directory.coverage(span.first, span.last).level).toBe("full");
    const named = directory.directory.documentsFor(span);
    expect(named.length).toBeGreaterThanOrEqual(63);
    expect(new Set(named.map(({ validAfter }) => validAfter)).size).toBe(named.length);
    await directory.close();
  });

  it("keeps what it has when nothing can be read any more, and says so once", async () => {
    const { place, clock, said, told, has, live: directory } = await live(0);
    rmSync(place, { recursive: true });
    await clock.pass(3 * HOUR);
    expect(said).toEqual([expect.stringContaining(place)]);
    expect([has(), told]).toEqual([[0], []]);
    // Its reach has long ended, but nothing newer is known.
    await clock.pass(10 * 24 * HOUR);
    expect([has(), said.length]).toEqual([[0], 1]);
    await directory.close();
  });

  it("passes over a damaged document, says so once, and takes the others", async () => {
    const { add, place, clock, said, has, live: directory } = await live(0);
    add(1);
    const text = formatConsensus(RELAYS, { validAfter: START + 2 * HOUR });
    writeFileSync(join(place, "cut"), text.slice(0, text.length / 2));
    await clock.pass(2 * HOUR);
    expect([has(), said]).toEqual([[0, 1], [expect.stringContaining("cut")]]);
    await directory.close();
  });

  it("does not look any more once it is closed, even amid looking", async () => {
    const { add, clock, told, live: directory } = await live(0);
    add(1);
    const passing = clock.pass(HOUR);
    await directory.close();
    await passing;
    expect([told, clock.next]).toEqual([[], undefined]);
  });

  it("tells seldom where telling takes long", async () => {
    const clock = new TestClock();
    let hear: (word: { bridges: never[]; connections: never[] }) => void = () => {};
    const tor = {
      watch: (onChange: typeof hear) => {
        hear = onChange;
      },
      close: async () => {},
    };
    const sources = new DirectorySources({ localConsensus: false });
    const directory = sources.directory([], { bridges: [], connections: [] });
    const live = new LiveDirectory({ sources, directory, notes: [], tor: tor as never, clock, say: () => {} });
    let told = 0;
    live.watch(() => {
      told++;
      clock.ms += 100;
    });
    for (let i = 0; i < 50; i++) {
      hear({ bridges: [], connections: [] });
      await clock.pass(0.1);
    }
    // 0.1 s of work in 2.1 s.
    expect(told).toBeGreaterThan(1);
    expect(told).toBeLessThanOrEqual(4);
    await live.close();
  });
});
