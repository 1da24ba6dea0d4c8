import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { electrum } from "../../src/apps/electrum.js";
import { onPort } from "./bitcoin/on-port.js";
import { detailsOf, disclosed, overTcp, type Said } from "./conversation.js";

const lines = (...values: unknown[]) => values.map((it) => `${JSON.stringify(it)}\n`).join("");
const request = (id: number, method: string, ...params: unknown[]) => ({ jsonrpc: "2.0", method, params, id });
const scriptHash = (i: number) => i.toString(16).padStart(64, "8");

/** As Electrum 4.5 and ElectrumX begin. */
const conversation: Said[] = [
  [0, lines(request(0, "server.version", "electrum/4.5.8", ["1.4", "1.4.5"]))],
  [1, lines({ jsonrpc: "2.0", result: ["ElectrumX 1.18.0", "1.4.3"], id: 0 })],
  [0, lines(request(1, "server.banner"), request(2, "blockchain.headers.subscribe"), request(3, "server.ping"))],
  [1, lines({ jsonrpc: "2.0", method: "blockchain.headers.subscribe", params: [{ height: 900_000, hex: "00" }] })],
  [0, lines(request(4, "blockchain.scripthash.subscribe", scriptHash(1)))],
  [0, lines(request(5, "blockchain.scripthash.subscribe", scriptHash(2)))],
  [0, lines(request(6, "blockchain.scripthash.get_history", scriptHash(2)))],
  [0, lines(request(7, "blockchain.transaction.broadcast", "0100"))],
];

describe("electrum", () => {
  it.each([Infinity, 11, 1])("is known by its methods, in segments of %d bytes", (size) => {
    const facts = overTcp([electrum], conversation, size);
    expect([facts?.protocol, facts?.by]).toEqual(["electrum", "content"]);
    expect(detailsOf(facts)).toEqual({
      clientSoftware: "electrum/4.5.8",
      clientVersions: ["1.4", "1.4.5"],
      serverSoftware: "ElectrumX 1.18.0",
      version: "1.4.3",
      methods: [
        "server.version",
        "server.banner",
        "blockchain.headers.subscribe",
        "server.ping",
        "blockchain.scripthash.subscribe",
        "blockchain.scripthash.get_history",
        "blockchain.transaction.broadcast",
      ],
      scripthashes: 2,
      broadcasts: 1,
    });
    expect(disclosed(facts)).toEqual([
      "software: electrum/4.5.8",
      "software: ElectrumX 1.18.0",
      `wallet-query: ${scriptHash(1)}`,
      `wallet-query: ${scriptHash(2)}`,
    ]);
  });

  it("is known whoever seems to have begun", () => {
    const turned = conversation.map(([side, text]): Said => [side === 0 ? 1 : 0, text]);
    expect(detailsOf(overTcp([electrum], turned))).toEqual(detailsOf(overTcp([electrum], conversation)));
  });

  it.each([
    '{"id": 0, "method": "server.version", "params": ["4.5.8", "1.4"]}\n',
    '{"id":"wallet 1","jsonrpc":"2.0","method":"blockchain.estimatefee","params":[2]}\n',
    '[{"jsonrpc":"2.0","method":"mempool.get_fee_histogram","params":[],"id":1}]\n',
    '{"method":"blockchain.scripthash.subscribe","params":["00","11"]}\n',
    '{"jsonrpc":"2.0","id":0,"result":["Fulcrum 1.9.1","1.4"]}\n',
    '{"id":0,"jsonrpc":"2.0","result":["electrs/0.10.5","1.4"]}\n',
  ])("is %s", (line) => {
    for (const size of [Infinity, 1]) expect(overTcp([electrum], [[0, line]], size)?.protocol).toBe("electrum");
  });

  it.each([
    ["a mining pool", '{"id":1,"method":"mining.subscribe","params":["cgminer/4.10"]}\n'],
    ["Bitcoin's RPC without HTTP", '{"jsonrpc":"1.0","id":"x","method":"getpeerinfo","params":[]}\n'],
    ["Ethereum's", '{"jsonrpc":"2.0","method":"eth_blockNumber","params":[],"id":83}\n'],
    ["another server's ping", '{"method":"server.ping","id":1}\n'],
    ["another chain's", '{"method":"blockchain.x","id":1}\n'],
    ["its name in a text", '{"text":"say \\"method\\":\\"server.version\\" to it"}\n'],
    ["its name as a value", '{"id":"method","x":"server.version"}\n'],
    ["an answer of others", '{"id":0,"result":["redis 7.2","1.4"]}\n'],
    ["JSON", '{"a":1}\n'],
    ["HTTP", 'POST / HTTP/1.1\r\n\r\n{"id":0,"method":"server.version"}\n'],
    ["binary", '{\x00\x01"method":"server.version"}\n'],
    ["too far behind", `{"id":"${"x".repeat(200)}","method":"server.version"}\n`],
  ])("is not %s", (_, line) => {
    for (const size of [Infinity, 1]) {
      const said: Said[] = [
        [0, line],
        [1, line],
      ];
      expect(overTcp([electrum], said, size)).toBeUndefined();
    }
  });

  it("takes many requests in one line, and addresses of old servers", () => {
    const batch = [
      request(0, "server.version", "x", ["1.1"]),
      request(1, "blockchain.address.get_balance", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
      request(2, "blockchain.address.subscribe", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
    ];
    expect(detailsOf(overTcp([electrum], [[0, lines(batch)]]))).toMatchObject({ clientSoftware: "x", addresses: 1 });
  });

  it("does not take notices for requests, nor anything for a script hash", () => {
    const notice = { method: "blockchain.scripthash.subscribe", params: [scriptHash(1), "00"] };
    const bad = [1, null, "", "zz", "8".repeat(63), ["8".repeat(64)]];
    const wrong = bad.map((it, i) => request(i, "blockchain.scripthash.subscribe", it));
    expect(
      detailsOf(
        overTcp(
          [electrum],
          [
            [1, lines(notice)],
            [0, lines(...wrong)],
          ],
        ),
      ),
    ).toEqual({
      methods: ["blockchain.scripthash.subscribe"],
    });
  });

  it("reads past lines that are not JSON, and ends at one that is too long", () => {
    const said = `${lines(request(0, "blockchain.relayfee"))}not JSON\n${lines(request(1, "server.version", "a"))}`;
    expect(detailsOf(overTcp([electrum], [[0, said]]))).toMatchObject({ clientSoftware: "a" });
    const long = `${lines(request(0, "blockchain.relayfee"))}${"x".repeat(9000)}\n${lines(request(1, "server.version", "a"))}`;
    expect(detailsOf(overTcp([electrum], [[0, long]]))).not.toHaveProperty("clientSoftware");
  });

  it("keeps a bounded number of facts", () => {
    const said: Said[] = [];
    for (let i = 0; i < 200; i++) said.push([0, lines(request(i, `blockchain.block.x${"y".repeat(i)}`, "a"))]);
    for (let i = 0; i < 100; i++) said.push([0, lines(request(i, "server.version", `software ${i}`))]);
    const facts = overTcp([electrum], said);
    expect((detailsOf(facts).methods as string[]).length).toBeLessThanOrEqual(48);
    expect(facts?.disclosures.length).toBeLessThanOrEqual(64);
  });

  it("never throws, and says the same whatever the segments and the bytes behind them are", () => {
    const text = conversation.flatMap(([side, words]) => (side === 0 ? [words as string] : [])).join("");
    const changed = fc
      .array(fc.tuple(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 1 })), { maxLength: 5 })
      .map((changes) => changes.reduce((it, [at, letter]) => it.slice(0, at) + letter + it.slice(at + 1), text));
    const json = fc
      .array(fc.json(), { maxLength: 5 })
      .map((values) => `${lines(request(0, "server.version"))}${values.join("\n")}\n`);
    const deep = fc.nat(4000).map((depth) => `${lines(request(0, "server.version"))}${"[".repeat(depth)}\n`);
    fc.assert(
      fc.property(
        fc.oneof(changed, json, deep, fc.string()),
        fc.integer({ min: 1, max: 50 }),
        (words, segmentBytes) => {
          const said: Said[] = [[0, Buffer.from(words)]];
          const facts = onPort([electrum], said, { segmentBytes, behind: 0x7d });
          expect(detailsOf(facts)).toEqual(detailsOf(onPort([electrum], said, { behind: 0x22 })));
        },
      ),
      { numRuns: 200 },
    );
  });
});
