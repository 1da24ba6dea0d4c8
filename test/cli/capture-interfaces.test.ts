import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FAR, type Peer, pause, WIRE, WireLab } from "../support/wire-lab.js";

const ON_WIRE = ["-i", WIRE, "--no-local-consensus"];
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

let lab: WireLab;
let near: Peer;
beforeEach(async () => {
  lab = new WireLab();
  near = await lab.peer(lab.near);
});
afterEach(() => lab.close());

const send = (count: number) => near.do("send", { address: FAR, port: 9, count });

describe("an interface that", () => {
  it("is removed ends the capture with 74, is reported with the time, and the contrast comes", async () => {
    const [text, json] = await Promise.all([
      lab.leek(["capture", ...ON_WIRE, "udp"]),
      lab.leek(["capture", "--json", ...ON_WIRE, "udp"]),
    ]);
    await send(5);
    await text.shows(5);
    lab.run(lab.near, "ip", "link", "delete", WIRE);
    expect(await Promise.all([text.ended, json.ended])).toEqual([74, 74]);
    expect(text.stderr).toMatch(new RegExp(`leek: ${TIME} .*${WIRE}.*\n`));
    expect(text.stderr).toMatch(/5 packets captured\n5 packets received by filter\n0 packets dropped by kernel\n/);
    expect(text.lines).toHaveLength(5);
    expect(text.stdout).toContain("clearnet");
    expect(JSON.parse(json.stdout).capture).toMatchObject({
      packets: 5,
      sources: [{ truncated: true, damage: { code: "interface-gone", message: expect.stringContaining(WIRE) } }],
    });
  });

  it("is removed leaves the others to be captured", async () => {
    const leek = await lab.leek(["capture", ...ON_WIRE, "-i", "lo", "udp and dst port 9"]);
    await send(2);
    lab.run(lab.near, "ip", "link", "delete", WIRE);
    await leek.says(new RegExp(`leek: ${TIME} .*${WIRE}`));
    await near.do("send", { address: "127.0.0.1", port: 9, count: 3 });
    await leek.shows(5);
    expect(await leek.stop()).toBe(74);
    expect(leek.stderr).toContain("5 packets captured\n");
  });

  it("goes down and comes back is reported, and the capture goes on", async () => {
    const leek = await lab.leek(["capture", ...ON_WIRE, "udp"]);
    await send(2);
    await leek.shows(2);
    lab.run(lab.near, "ip", "link", "set", WIRE, "down");
    await leek.says(new RegExp(`leek: ${TIME} Interface ${WIRE} went down\\.\n`));
    lab.run(lab.near, "ip", "link", "set", WIRE, "up");
    await leek.says(new RegExp(`leek: ${TIME} Interface ${WIRE} is up again\\.\n`));
    await pause(100);
    lab.run(
      lab.near,
      "ip",
      "neighbour",
      "replace",
      FAR,
      "lladdr",
      "02:00:00:00:00:02",
      "nud",
      "permanent",
      "dev",
      WIRE,
    );
    await send(3);
    await leek.shows(5);
    expect(await leek.stop()).toBe(0);
    expect(leek.stderr).toContain("5 packets captured\n");
  });
});
