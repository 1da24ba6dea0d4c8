import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EndpointIndex, EndpointList } from "../../src/relays/endpoint-index.js";

// Few distinct values, so that addresses share words, prefixes and ports; some with the sign bit.
const word = fc.constantFrom(0, 1, 2, 255, 256, -1, -256, 0x20010db8, -(2 ** 31), 2 ** 31 - 1);
const endpoint = fc.record({ a: word, b: word, c: word, d: word, port: fc.constantFrom(1, 2, 443, 65535) });

describe("EndpointIndex", () => {
  it.each([4, 6] as const)("finds what a plain list finds, the first added of several (IPv%d)", (version) => {
    const lists = fc.array(endpoint, { maxLength: 200, size: "max" });
    fc.assert(
      fc.property(lists, lists, (added, askedFor) => {
        const fitted = (it: (typeof added)[number]) => (version === 4 ? { ...it, a: 0, b: 0, c: 0 } : it);
        const plain = added.map(fitted);
        const asked = askedFor.map(fitted);
        const list = new EndpointList(version, 0);
        for (const [owner, { a, b, c, d, port }] of plain.entries()) list.push(a, b, c, d, port, owner);
        const index = new EndpointIndex(list);
        expect(index.length).toBe(plain.length);
        for (const { a, b, c, d, port } of [...plain, ...asked]) {
          const isSame = (it: (typeof plain)[number]) => it.a === a && it.b === b && it.c === c && it.d === d;
          expect(index.find(a, b, c, d, port)).toBe(plain.findIndex((it) => isSame(it) && it.port === port));
          const owners: number[] = [];
          for (let i = index.firstOf(a, b, c, d); i >= 0; i = index.nextOf(i)) owners.push(index.ownerAt(i));
          const expected = plain.map((it, owner) => ({ ...it, owner })).filter(isSame);
          expected.sort((x, y) => x.port - y.port || x.owner - y.owner);
          expect(owners).toEqual(expected.map(({ owner }) => owner));
          const isNear = (it: (typeof plain)[number]) =>
            version === 4 ? it.d >> 8 === d >> 8 : it.a === a && it.b >> 16 === b >> 16;
          expect(index.neighbours({ version, a, b, c, d })).toHaveLength(plain.filter(isNear).length);
        }
        const addresses = new Set(plain.map(({ a, b, c, d }) => `${a} ${b} ${c} ${d}`));
        const visited: string[] = [];
        index.forEachAddress((a, b, c, d) => visited.push(`${a} ${b} ${c} ${d}`));
        expect(visited).toHaveLength(addresses.size);
      }),
      { numRuns: 50 },
    );
  });

  it("port 0 means none, and is not kept", () => {
    const list = new EndpointList(4, 4);
    list.push(0, 0, 0, 1, 0, 7);
    expect(new EndpointIndex(list).length).toBe(0);
  });
});
