import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WIRE, WireLab } from "../support/wire-lab.js";

let lab: WireLab;
beforeAll(() => {
  lab = new WireLab();
});
afterAll(() => lab.close());

const QUIET = ["--no-local-consensus", "--json", "--duration", "1s"];

interface Audit {
  readonly verdict: string;
  readonly reasons: readonly { readonly code: string; readonly details: string }[];
  readonly findings: readonly { readonly rule: string }[];
}

async function audit(...options: string[]): Promise<Audit> {
  const leek = await lab.leek(["audit", "-i", WIRE, ...QUIET, ...options]);
  expect(await leek.ended).toBe(2);
  return JSON.parse(leek.stdout);
}

describe("leek audit --canary", () => {
  it("sends a packet past Tor at the beginning and at the end, finds both, and leaves them out of the report", async () => {
    const watcher = await lab.tcpdump(["-l", "-v"], lab.near);
    const { reasons, findings } = await audit("--canary");
    await watcher.stop();
    expect(reasons.map(({ code }) => code)).not.toContain("canary-missed");
    expect(findings.filter(({ rule }) => rule === "other-udp")).toEqual([]);
    expect(watcher.stdout.match(/ttl 1,/g)).toHaveLength(2);
    expect(watcher.stdout.match(/ > 192\.0\.2\.1\.9: UDP/g)).toHaveLength(2);
  });

  it("is inconclusive when they do not come by", async () => {
    const { reasons } = await audit("--canary", "tcp");
    expect(reasons).toContainEqual(
      expect.objectContaining({ code: "canary-missed", details: "2 of 2 that were sent." }),
    );
  });

  it("sends nothing unless told", async () => {
    const watcher = await lab.tcpdump(["-l"], lab.near);
    await audit();
    await watcher.stop();
    expect(watcher.stdout).not.toContain("192.0.2.1");
  });

  it.each([
    [["-i", WIRE, "--canary"], 64, "Give --duration"],
    [["-i", "lo", "--canary", "--duration", "1s"], 64, "Audit the interface of the default route"],
  ])("%j ends with %i", async (args, status, hint) => {
    const leek = lab.startLeek(["audit", "--no-local-consensus", ...args]);
    expect(await leek.ended).toBe(status);
    expect(leek.stderr).toContain(hint);
  });
});
