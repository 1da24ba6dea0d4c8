import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GATEWAY } from "../../../scripts/tornet/plan.mjs";
import { PROJECT } from "../../support/leek.js";
import { type Audited, AuditLab, reasonsOf, rulesOf } from "./audit-lab.js";
import { DNS_PORT, LEAKS, NO_LEAKS, SOCKS } from "./leaks.js";
import { BLINDNESSES } from "./reasons.js";

/** What needs more than one recording: rule and, as in docs/audit-tests.md, how it is provoked. */
const SCENES = {
  "fail-open": "tor is killed while a live audit runs, and curl goes on without it",
  "start-up": "curl before tor has started, with --expect-bootstrap",
  "tor-unlisted": "a tor client with a bridge of which leek was not told",
  "socks-address": "curl --socks5 gives tor an address",
} as const;

const WEB = "http://203.0.113.80/";
/** Live audits end a moment after the last packet. */
const SETTLE_MS = 300;

let lab: AuditLab;
/** A recording without a leak. */
let quiet: string;
const audits = new Map<object, Promise<Audited>>();

beforeAll(async () => {
  lab = await AuditLab.start();
  const cookie = join(lab.tornet.client.dataDirectory, "control_auth_cookie");
  await lab.say("dns-port", cookie, String(DNS_PORT));
  quiet = await lab.recordWithLeek(async () => {
    for (const act of NO_LEAKS) await act(lab);
  });
  for (const leak of LEAKS) {
    const recording = await lab.record(() => leak.make(lab));
    // Judged while the next one is made; whoever asks for it hears of an error.
    const audit = lab.audit(recording);
    audit.catch(() => {});
    audits.set(leak, audit);
  }
}, 180_000);
afterAll(() => lab?.close());

const browse = () => lab.run("curl", "-s", "-m", "10", "--socks5-hostname", SOCKS, "http://www.example.com/");
const goDirectly = () => lab.run("curl", "-s", "-m", "5", WEB);

describe("without a leak", () => {
  it("the same programs over Tor, on the machine and with its router are clean", async () => {
    const audit = await lab.audit(quiet);
    expect([audit.status, audit.report]).toMatchObject([0, { verdict: "clean", reasons: [], findings: [] }]);
    expect(audit.report.coverage.torFlows).toBeGreaterThan(0);
  });

  it("a live audit is clean, and finds its canaries", async () => {
    const live = await lab.auditLive("--duration", "2s", "--canary");
    await browse();
    const audit = await live.ended();
    expect([audit.status, audit.report]).toMatchObject([0, { verdict: "clean", reasons: [], findings: [] }]);
    expect(audit.report.coverage).toMatchObject({ dropped: 0 });
  });
});

describe("a leak is found, and nothing else", () => {
  it.each(LEAKS.map((leak) => [leak.rule, leak.by, leak] as const))("%s: %s", async (_rule, _by, leak) => {
    const audit = await audits.get(leak)!;
    const { rule, also = [], severity = "leak", to, tells = [] } = leak;
    expect(rulesOf(audit)).toEqual([rule, ...also].sort());
    const finding = audit.report.findings.find((it) => it.rule === rule)!;
    expect(finding.severity).toBe(severity);
    expect(finding.flows.map(({ responder }) => responder.address)).toContain(to);
    for (const [kind, value] of tells) expect(finding.disclosed).toContainEqual({ kind, value });
    expect(finding.proof.length).toBeGreaterThan(0);
    if (severity === "leak") expect([audit.status, audit.report.verdict]).toEqual([1, "leak"]);
    else expect(audit.status).not.toBe(1);
  });

  it("tls: a live audit names the program", async () => {
    const live = await lab.auditLive();
    // Open for long enough for its process to be found.
    await lab.run("sh", "-c", "sleep 1 | openssl s_client -connect 203.0.113.80:443");
    await sleep(SETTLE_MS);
    const audit = await live.stop();
    expect([audit.status, rulesOf(audit)]).toEqual([1, ["tls"]]);
    expect(audit.report.findings).toMatchObject([{ process: { name: "openssl" } }]);
  });

  it(`socks-address: ${SCENES["socks-address"]}`, async () => {
    const [byAddress, byName] = [
      await lab.recordWithLeek(() => lab.run("curl", "-s", "-m", "10", "--socks5", SOCKS, WEB), ["-i", "any"]),
      await lab.recordWithLeek(browse, ["-i", "any"]),
    ];
    const [found, nothing] = await Promise.all([lab.audit(byAddress), lab.audit(byName)]);
    expect(found.report.findings).toMatchObject([{ rule: "socks-address", severity: "note" }]);
    expect([found.status, nothing.status, rulesOf(nothing)]).toEqual([0, 0, []]);
  });
});

describe("what could not be seen or judged is told", () => {
  it.each(BLINDNESSES.map((it) => [it.code, it.by, it] as const))("%s: %s", async (code, _by, blindness) => {
    const { also = [], perhaps = [] } = blindness;
    const audit = await blindness.audit(lab, quiet);
    expect([audit.status, audit.report.verdict]).toEqual([2, "inconclusive"]);
    expect(reasonsOf(audit).filter((it) => !perhaps.includes(it))).toEqual([code, ...also].sort());
  });

  it("a document that was not verified counts when the user says so", async () => {
    const { documents } = lab;
    const audit = await lab.auditAs(quiet, "--node", "192.168.50.0/24", ...documents, "--trust-unverified");
    expect([audit.status, reasonsOf(audit)]).toEqual([0, []]);
  });
});

describe("when Tor comes and goes", () => {
  it(`fail-open: ${SCENES["fail-open"]}`, async () => {
    const live = await lab.auditLive();
    await browse();
    process.kill(lab.tornet.client.pid!, "SIGKILL");
    await sleep(SETTLE_MS);
    await browse();
    await goDirectly();
    await sleep(SETTLE_MS);
    const audit = await live.stop();
    expect([audit.status, rulesOf(audit)]).toEqual([1, ["fail-open", "http"]]);
    expect(audit.report.findings.find(({ rule }) => rule === "fail-open")!.title).toMatch(/last link .* at \d{4}-/);
  });

  it("start-up: tor starts, and nothing went out before", async () => {
    const { client } = lab.tornet;
    const file = await lab.recordWithLeek(async () => {
      await lab.run("ping", "-n", "-c", "1", "-W", "1", GATEWAY.address);
      await client.start();
      await client.bootstrapped();
      await browse();
    });
    const audit = await lab.audit(file, "--expect-bootstrap");
    expect([audit.status, rulesOf(audit), reasonsOf(audit)]).toEqual([0, [], []]);
  });

  it("fail-open: tor stops, and nothing goes on without it", async () => {
    const file = await lab.recordWithLeek(async () => {
      await browse();
      await lab.tornet.client.stop();
      await browse();
    });
    const audit = await lab.audit(file);
    expect([audit.status, rulesOf(audit), reasonsOf(audit)]).toEqual([0, [], []]);
  });

  it("no-tor-traffic: tor is down, and the node speaks to its router only", async () => {
    const recording = await lab.record(() => lab.run("ping", "-n", "-c", "1", "-W", "1", GATEWAY.address));
    const audit = await lab.audit(recording);
    expect([audit.status, rulesOf(audit), reasonsOf(audit)]).toEqual([2, [], ["no-tor-traffic"]]);
  });

  it(`start-up: ${SCENES["start-up"]}`, async () => {
    const { client } = lab.tornet;
    const file = await lab.recordWithLeek(async () => {
      await goDirectly();
      await client.start();
      await client.bootstrapped();
      await browse();
    });
    const [told, untold] = await Promise.all([lab.audit(file, "--expect-bootstrap"), lab.audit(file)]);
    expect([told.status, rulesOf(told)]).toEqual([1, ["start-up"]]);
    expect([untold.status, rulesOf(untold)]).toEqual([1, ["http"]]);
  });

  it(`tor-unlisted: ${SCENES["tor-unlisted"]}`, async () => {
    await lab.tornet.client.stop();
    const { address, orPort, fingerprint } = lab.tornet.relay("bridge8443");
    const bridge = `${address}:${orPort} ${fingerprint}`;
    const extraLines = ["UseBridges 1", `Bridge ${bridge}`];
    const client = await lab.tornet.makeClient("bridge-client", { extraLines });
    const file = await lab.recordWithLeek(async () => {
      await client.start();
      await client.bootstrapped();
      await browse();
    });
    const torrc = join(client.dataDirectory, "torrc");
    const [untold, told, read] = await Promise.all([
      lab.audit(file),
      lab.audit(file, "--bridge", bridge),
      lab.audit(file, "--torrc", torrc),
    ]);
    expect(untold.report.findings).toMatchObject([{ rule: "tor-unlisted", severity: "warning" }]);
    expect([untold.status, reasonsOf(untold)]).toEqual([2, ["no-tor-traffic", "tor-unlisted"]]);
    for (const it of [told, read]) expect([it.status, rulesOf(it), reasonsOf(it)]).toEqual([0, [], []]);
  });
});

describe("docs/audit-tests.md", () => {
  it("lists each test of a rule and of a reason, and no other", () => {
    const text = readFileSync(join(PROJECT, "docs/audit-tests.md"), "utf8");
    const rows = [...text.matchAll(/^\| `([a-z0-9-]+)` \| (.+?) \|/gm)].map(([, name, by]) => `${name}: ${by}`);
    const tests = [
      ...LEAKS.map(({ rule, by }) => `${rule}: ${by}`),
      ...Object.entries(SCENES).map(([rule, by]) => `${rule}: ${by}`),
      ...BLINDNESSES.map(({ code, by }) => `${code}: ${by}`),
      "no-tor-traffic: tor is down, and the node speaks to its router only",
    ];
    expect(rows.toSorted()).toEqual(tests.toSorted());
  });
});
