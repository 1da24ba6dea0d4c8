import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../bench/consensus-generator.mjs";
import { MODELS } from "../../../scripts/tor-suspected/models.mjs";
import { CellShape } from "../../../src/apps/tor/cell-shape.js";

const TLS_1_2 = 0x0303;
const TLS_1_3 = 0x0304;
const TOR_NAME = "www.fmsul7uwme62jl.com";

/** `>` is the client's, `<` the server's; body bytes. */
function send(shape: CellShape, records: string): CellShape {
  for (const record of records.split(" ")) {
    if (record !== "") shape.record(record[0] === ">" ? 0 : 1, 23, Number(record.slice(1)));
  }
  return shape;
}

function over13(serverName: string | undefined = TOR_NAME, wasResolved = false): CellShape {
  const shape = new CellShape();
  shape.hello(serverName, wasResolved);
  shape.agreed(TLS_1_3, 0x1302);
  return shape;
}

function over12(cipherSuite: number, subject?: string, issuer = "www.bzi5rrll.com"): CellShape {
  const shape = new CellShape();
  shape.hello(TOR_NAME, false);
  shape.agreed(TLS_1_2, cipherSuite);
  if (subject !== undefined) shape.certificate(subject, issuer);
  return shape;
}

const repeat = (records: string, times: number) => Array.from({ length: times }, () => records).join(" ");

/** As recorded on a link to a bridge. */
const HANDSHAKE = "<23 <609 <281 <69 >69 <74";
const OPENING = `${HANDSHAKE} >28 <74 <2042`;
const LINK = `${OPENING} >1045 <531 >1045 <531 <2587 >531 <531 >531 <3101`;

describe("a link of Tor's", () => {
  it("is suspected after four bursts, where its opening was seen", () => {
    const shape = send(over13(), OPENING);
    expect(shape.isSuspected).toBe(false);
    expect(send(shape, ">1045 <531 >1045").isSuspected).toBe(false);
    expect(send(shape, "<531").isSuspected).toBe(true);
    expect(shape.figures()).toEqual({
      records: 4,
      wholeCells: 4,
      fewestCells: 1,
      mostCells: 2,
      names: "server-name",
      opening: true,
    });
  });

  it("is suspected also where its first cells were cut into chunks", () => {
    expect(send(over13(), `${OPENING} >4065 >595 <4065 <81 >4065 <531 >81`).isSuspected).toBe(true);
  });

  it("is suspected also where the relay's opening happens to be as long as whole cells", () => {
    const shape = send(over13(), `${HANDSHAKE} >28 <74 <2073 >4065 >595 <531 >1045`);
    expect(shape.isSuspected).toBe(true);
    expect(shape.figures().opening).toBe(true);
  });

  it("is suspected also when it is a relay's, which authenticates itself", () => {
    expect(send(over13(), `${OPENING} >2239 ${repeat(">531 <531", 9)}`).isSuspected).toBe(true);
  });

  it("needs eight bursts of different lengths, where its opening was not seen", () => {
    expect(send(over13(), `${HANDSHAKE} ${repeat(">531 <531", 30)}`).isSuspected).toBe(false);
    expect(send(over13(), `${HANDSHAKE} ${repeat(">531 <1045", 3)} >1045`).isSuspected).toBe(false);
    expect(send(over13(), `${HANDSHAKE} ${repeat(">531 <1045", 3)} >1045 <531`).isSuspected).toBe(true);
  });

  it("needs both directions", () => {
    expect(send(over13(), `${OPENING} ${repeat("<531 <1045", 100)}`).isSuspected).toBe(false);
  });

  it("is known by arti's names and versions too", () => {
    const shape = send(over13("www.x8-0abc9.org"), LINK.replace(">28", ">26"));
    expect(shape.isSuspected).toBe(true);
    expect(shape.figures().opening).toBe(true);
  });

  it("stays suspected when the capture loses records, until others outnumber its cells", () => {
    const shape = send(over13(), LINK);
    send(shape, repeat("<4065 <273 <531", 3));
    expect(shape.isSuspected).toBe(true);
    send(shape, repeat("<777 <888 <999", 40));
    expect(shape.isSuspected).toBe(false);
    send(shape, repeat("<531", 10));
    expect(shape.isSuspected).toBe(false);
  });
});

describe("names", () => {
  it.each([
    ["another form", "www.example.org.uk", false],
    ["a name that was looked up", TOR_NAME, true],
    ["no name", undefined, false],
  ])("of %s are never suspected, whatever the sizes", (_what, serverName, wasResolved) => {
    const shape = new CellShape();
    shape.hello(serverName, wasResolved);
    shape.agreed(TLS_1_3, 0x1302);
    expect(send(shape, `${LINK} ${repeat(">531 <1045 >1045 <531", 100)}`).isSuspected).toBe(false);
  });

  it("that were not seen take 24 bursts of different lengths, 8 of each direction", () => {
    const sizes = (records: string) => send(new CellShape(), records).isSuspected;
    expect(sizes(repeat(">531 <531", 500))).toBe(false);
    expect(sizes(repeat(">531 <1045 <531", 7))).toBe(false);
    expect(sizes(repeat(">531 <1045 <531", 8))).toBe(true);
    expect(sizes(`${repeat("<531 <1045", 100)} ${repeat(">531", 7)}`)).toBe(false);
  });
});

describe("TLS 1.2", () => {
  // Overheads: fact by RFC; a cell and two cells.
  it.each([
    ["AES-256-GCM", 0xc030, 538, 1052],
    ["ChaCha20", 0xcca8, 530, 1044],
    ["CBC, SHA-1, MAC then encrypt", 0xc014, 560, 1072],
    ["CBC, SHA-1, encrypt then MAC", 0xc014, 564, 1076],
    ["CBC, SHA-256", 0xc027, 576, 1088],
    ["CBC, SHA-384", 0xc028, 592, 1104],
  ])("has cells of its own sizes with %s", (_cipher, suite, one, two) => {
    const shape = over12(suite, "www.2zeqxm7r5.net");
    expect(send(shape, `>${one} <${two} >${two} <${one}`).isSuspected).toBe(true);
    expect(shape.figures()).toMatchObject({ wholeCells: 4, fewestCells: 1, mostCells: 2, names: "certificate" });
    expect(send(over12(suite, "www.2zeqxm7r5.net"), LINK).isSuspected).toBe(false);
  });

  it("needs a certificate of Tor's form", () => {
    const cells = repeat(">538 <1052 >1052 <538", 20);
    expect(send(over12(0xc030), cells).isSuspected).toBe(false);
    expect(send(over12(0xc030, "www.example.com", "Some Authority"), cells).isSuspected).toBe(false);
  });

  it("is never suspected with a cipher that relays do not have, nor is a version before", () => {
    const cells = repeat(">538 <1052 >1052 <538", 20);
    expect(send(over12(0xc02b, "www.2zeqxm7r5.net"), cells).isSuspected).toBe(false);
    const old = over12(0xc030, "www.2zeqxm7r5.net");
    old.agreed(0x0302, 0xc014);
    expect(send(old, repeat(">560 <1072", 20)).isSuspected).toBe(false);
  });

  it("opens with VERSIONS as the first record, as Finished is a record of its own kind", () => {
    // As recorded.
    const shape = send(over12(0xc030, "www.2zeqxm7r5.net"), ">35 <2031 >1052 <538 >1052 <538 <2594 >538");
    expect(shape.isSuspected).toBe(true);
    expect(shape.figures()).toMatchObject({ wholeCells: 6, opening: true });
  });
});

describe("what is not Tor's", () => {
  it.each(MODELS)("is never suspected: $what", ({ make }) => {
    const random = seededRandom(11);
    for (let i = 0; i < 300; i++) {
      const plain = make(random);
      for (const shape of [over13(), new CellShape()]) {
        let ever = false;
        for (const [side, bytes] of plain) {
          shape.record(side, 23, bytes + 17);
          ever ||= shape.isSuspected;
        }
        expect(ever).toBe(false);
      }
    }
  });

  it("is whatever has fewer than four records, or records in one direction alone", () => {
    const size = fc.integer({ min: 0, max: 18_432 });
    fc.assert(
      fc.property(fc.array(size), fc.constantFrom(0 as const, 1 as const), (sizes, side) => {
        const shape = over13();
        for (const bytes of sizes) shape.record(side, 23, bytes);
        expect(shape.isSuspected).toBe(false);
      }),
    );
  });
});

it("counts application data alone", () => {
  const shape = over13();
  for (const type of [20, 21, 22, 24]) for (let i = 0; i < 50; i++) shape.record(i % 2 === 0 ? 0 : 1, type, 531);
  expect(shape.figures().records).toBe(0);
});

it("has figures that add up, whatever it is told in whatever order", () => {
  const told = fc.oneof(
    fc.tuple(fc.constant("hello"), fc.constantFrom(undefined, TOR_NAME, "x"), fc.boolean()),
    fc.tuple(fc.constant("agreed"), fc.constantFrom(0, TLS_1_2, TLS_1_3), fc.integer({ min: 0, max: 0xffff })),
    fc.tuple(fc.constant("certificate"), fc.string(), fc.string()),
    fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 18_432 })),
    fc.tuple(fc.constantFrom(0, 1), fc.constant(23), fc.constantFrom(28, 531, 1045, 2042, 4065, 273)),
  );
  fc.assert(
    fc.property(fc.array(told, { maxLength: 200 }), (all) => {
      const shape = new CellShape();
      for (const [what, a, b] of all) {
        if (what === "hello") shape.hello(a as string | undefined, b as boolean);
        else if (what === "agreed") shape.agreed(a as number, b as number);
        else if (what === "certificate") shape.certificate(a as string, b as string);
        else shape.record(what as 0 | 1, a as number, b as number);
        const { records, wholeCells, fewestCells, mostCells } = shape.figures();
        expect(wholeCells).toBeLessThanOrEqual(records);
        expect(fewestCells).toBeLessThanOrEqual(mostCells);
        expect(fewestCells > 0).toBe(wholeCells > 0);
        if (shape.isSuspected) expect(wholeCells).toBeGreaterThanOrEqual(4);
      }
    }),
  );
});

describe("a connection is given up", () => {
  const other = (times: number) => repeat("<400 <300", times);

  it("as soon as its names or its cipher are none of Tor's", () => {
    expect(over13().isSettled).toBe(false);
    expect(over13("git.example.org").isSettled).toBe(true);
    expect(over13(TOR_NAME, true).isSettled).toBe(true);
    expect(over12(0x0005).isSettled).toBe(true);
  });

  it("after a hundred other records of the server, when neither side has sent a whole cell", () => {
    // Eight are the link's opening, and a burst is judged when it has ended.
    expect(send(new CellShape(), other(50)).isSettled).toBe(false);
    expect(send(new CellShape(), other(70)).isSettled).toBe(true);
    expect(send(new CellShape(), `>531 ${other(70)}`).isSettled).toBe(false);
    expect(send(new CellShape(), `${other(30)} <531 ${other(40)}`).isSettled).toBe(false);
  });

  it("after a thousand records of the server that are mostly others", () => {
    expect(send(new CellShape(), `>531 ${other(490)}`).isSettled).toBe(false);
    expect(send(new CellShape(), `>531 ${other(520)}`).isSettled).toBe(true);
    expect(send(new CellShape(), `>531 ${repeat("<531 <1045", 520)}`).isSettled).toBe(false);
  });
});
