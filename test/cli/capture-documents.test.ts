import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FAR, NEAR, type Peer, pause, WIRE, WireLab } from "../support/wire-lab.js";

const schema = JSON.parse(readFileSync(new URL("../../docs/analysis.schema.json", import.meta.url), "utf8"));
const validate = new Ajv2020({ allErrors: true }).compile(schema);
const BRIDGE = ["--bridge", `${FAR}:8000`];
const ON_WIRE = ["-i", WIRE, "--no-local-consensus", ...BRIDGE];

interface FlowJson {
  readonly transport: string;
  readonly class: string;
  readonly responder: { readonly address: string; readonly port: number };
}

let lab: WireLab;
let near: Peer;
beforeAll(async () => {
  lab = new WireLab();
  near = await lab.peer(lab.near);
  const far = await lab.peer(lab.far);
  await far.do("serveTcp", { port: 8000 });
  await far.do("serveUdp", { port: 8001, hex: "00" });
});
afterAll(() => lab.close());

/** A TCP connection to the bridge and ten datagrams. */
async function converse(): Promise<void> {
  await near.do("send", { address: FAR, port: 8001, count: 10 });
  await near.do("connect", { address: FAR, port: 8000 });
  await near.do("hangUp");
  await pause(200);
}

/** What two captures of the same packets agree on, in an order of their own. */
const comparable = (flows: readonly object[]) =>
  flows.map((flow) => JSON.stringify({ ...flow, first: 0, last: 0 })).sort();

describe("documents of a live capture", () => {
  it("are the same as JSON, as lines of JSON and as CSV, and nothing else stands on standard output", async () => {
    const options = [...ON_WIRE, "--no-processes"];
    const [json, ndjson, analyzed, csv] = await Promise.all([
      lab.leek(["capture", "--json", ...options]),
      lab.leek(["capture", "--ndjson", ...options]),
      lab.leek(["analyze", "--json", ...options]),
      lab.leek(["analyze", "--csv", "flows", ...options]),
    ]);
    await converse();
    await Promise.all([json, ndjson, analyzed, csv].map((leek) => leek.stop()));

    const document = JSON.parse(json.stdout);
    validate(document);
    expect(validate.errors).toBeNull();
    const flows: FlowJson[] = document.flows;
    expect(flows.map((flow) => [flow.transport, flow.responder, flow.class])).toEqual(
      expect.arrayContaining([
        ["tcp", { address: FAR, port: 8000 }, "tor"],
        ["udp", { address: FAR, port: 8001 }, "clearnet"],
      ]),
    );
    const records = ndjson.stdout.trimEnd().split("\n");
    expect(comparable(records.map((line) => JSON.parse(line)))).toEqual(comparable(flows));
    expect(comparable(JSON.parse(analyzed.stdout).flows)).toEqual(comparable(flows));
    const rows = csv.stdout.trimEnd().split("\r\n");
    expect(rows).toHaveLength(flows.length + 1);
    for (const row of rows) expect(row.split(",")).toHaveLength(27);
  });

  it("count what was received and dropped at each interface", async () => {
    const [leek, tcpdump] = await Promise.all([lab.leek(["capture", "--json", ...ON_WIRE]), lab.tcpdump([])]);
    await converse();
    await Promise.all([leek.stop(), tcpdump.stop()]);
    const { capture } = JSON.parse(leek.stdout);
    const received = tcpdump.lines.length;
    expect(capture.packets).toBe(received);
    expect(capture.sources).toMatchObject([
      {
        name: WIRE,
        format: "live",
        linkTypes: ["EN10MB"],
        packets: received,
        truncated: false,
        dropped: 0,
        statistics: [{ interface: WIRE, received, droppedByKernel: 0, droppedByInterface: 0 }],
      },
    ]);
    // The kernel's clock has nanoseconds.
    expect(capture.first).toMatch(/\.\d{6}(\d{3})?Z$/);
  });

  it("end where -c says, and with the contrast for people when asked for nothing else", async () => {
    const json = await lab.leek(["analyze", "--json", "-c", "4", ...ON_WIRE]);
    const text = await lab.leek(["analyze", "-c", "4", ...ON_WIRE]);
    await converse();
    expect(await Promise.all([json.ended, text.ended])).toEqual([0, 0]);
    expect(JSON.parse(json.stdout).capture.packets).toBe(4);
    expect(text.lines).toEqual([]);
    expect(text.stdout).toContain(`${NEAR}`);
    expect(text.stdout).toContain("clearnet");
  });

  it("streams a flow's record while the capture goes on", async () => {
    const leek = await lab.leek(["capture", "--ndjson", ...ON_WIRE, "tcp"]);
    // A connection on the same ports ends the record of the one before.
    for (let i = 0; i < 2; i++) {
      await near.do("connect", { address: FAR, port: 8000, localPort: 40_000, reset: true });
    }
    await pause(500);
    expect(
      leek.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).tcpState),
    ).toEqual(["reset"]);
    await leek.stop();
    expect(leek.stdout.trimEnd().split("\n")).toHaveLength(2);
  });
});
