import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FAR, NEAR, pause, WIRE, WireLab } from "../support/wire-lab.js";

let lab: WireLab;
beforeAll(() => {
  lab = new WireLab();
});
afterAll(() => lab.close());

const NEW_ADDRESS = "5.5.5.77";

interface Audit {
  readonly verdict: string;
  readonly node: { readonly addresses: readonly string[]; readonly inferred: boolean };
  readonly findings: readonly {
    readonly rule: string;
    readonly flows: readonly { originator: { address: string } }[];
  }[];
}

describe("a live audit", () => {
  it("audits this machine, by addresses too that it gets meanwhile", async () => {
    const leek = await lab.leek(["audit", "-i", WIRE, "--json", "--no-local-consensus", "--duration", "3s"]);
    lab.run(lab.near, "ip", "address", "add", `${NEW_ADDRESS}/24`, "dev", WIRE);
    // The far end knows no way back to it.
    await lab.start(lab.near, ["ping", "-q", "-c", "1", "-W", "1", "-I", NEW_ADDRESS, FAR]).ended;
    lab.run(lab.far, "ping", "-q", "-c", "1", "-W", "2", NEAR);
    expect(await leek.ended).toBe(1);
    const { verdict, node, findings } = JSON.parse(leek.stdout) as Audit;
    expect([verdict, node.inferred]).toEqual(["leak", false]);
    expect(node.addresses).toContain(NEW_ADDRESS);
    const icmp = findings.find(({ rule }) => rule === "icmp");
    expect(icmp!.flows.map(({ originator }) => originator.address)).toEqual([NEW_ADDRESS]);
    expect(findings.map(({ rule }) => rule)).toContain("inbound");
  });

  it("ends with 2 where nothing is to be seen", async () => {
    await pause(100);
    const leek = await lab.leek(["audit", "-i", WIRE, "--no-local-consensus", "--duration", "1s"]);
    expect(await leek.ended).toBe(2);
    expect(leek.stdout).toMatch(/^INCONCLUSIVE/);
  });

  it("ends with 66 on an interface that is not there", async () => {
    const leek = lab.startLeek(["audit", "-i", "no-such-if0", "--duration", "1s"]);
    expect(await leek.ended).toBe(66);
    expect(leek.stderr).toContain("no-such-if0");
  });
});
