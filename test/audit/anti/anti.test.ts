import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GATEWAY } from "../../../scripts/tornet/plan.mjs";
import type { Relay } from "../../../scripts/tornet/tornet.mjs";
import { PROJECT } from "../../support/leek.js";
import { type Audited, AuditLab, type Recording, reasonsOf, rulesOf, STRANGER } from "./audit-lab.js";
import { DNS_PORT, LEAKS, NO_LEAKS, SOCKS } from "./leaks.js";
import { BLINDNESSES } from "./reasons.js";

/** What needs more than one recording: rule and, as in docs/audit-tests.md, how it is provoked. */
const SCENES = {
  "fail-open": "tor is killed while a live audit runs, and curl goes on without it",
  "start-up": "curl before tor has started, with --expect-bootstrap",
  "tor-unlisted": "a tor client with a bridge of which leek was not told",
  "socks-address": "curl --socks5 gives tor an address",
} as const;

/** What relays and bridges do, as in docs/audit-tests.md: what is theirs to do, and what would be anybody's leak. */
const ROLES = {
  guard: { role: "relay", by: "a guard starts, and a client goes over it" },
  authority: { role: "relay", by: "the guard tells an authority of itself, at its directory port" },
  guardLeak: {
    role: "relay",
    by: "curl and dig from the guard's address, and curl from the internet to a web server on it",
  },
  bridge: { role: "bridge", by: "a client goes over the bridge" },
  bridgeLeak: { role: "bridge", by: "curl and dig from the bridge's address" },
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
const titleOf = ({ role, by }: { readonly role: string; readonly by: string }) => `${role}: ${by}`;
/** As torrc and `--bridge` have it. */
const bridgeLine = ({ address, orPort, fingerprint }: Relay) => `${address}:${orPort} ${fingerprint}`;
const makeBridgeClient = () =>
  lab.tornet.makeClient("bridge-client", {
    extraLines: ["UseBridges 1", `Bridge ${bridgeLine(lab.tornet.relay("bridge8443"))}`],
  });
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
    const { rule, also = [], severity = "leak", to, tells = [], id } = leak;
    expect(rulesOf(audit)).toEqual([rule, ...also].sort());
    const finding = audit.report.findings.find((it) => it.rule === rule)!;
    expect(finding.severity).toBe(severity);
    if (id !== undefined) expect(finding.id).toBe(id);
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
    const bridge = bridgeLine(lab.tornet.relay("bridge8443"));
    const client = await makeBridgeClient();
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
    await client.stop();
  });
});

describe("a relay, and a bridge", () => {
  let authority: Relay;
  let guard: Relay;
  let bridge: Relay;
  /** Without a leak. */
  let work: Recording;
  let leaks: Recording;

  beforeAll(async () => {
    authority = lab.tornet.relay("authority1");
    guard = lab.tornet.relay("guard9999");
    bridge = lab.tornet.relay("bridge8443");
    const guardClient = await lab.tornet.makeClient("guard-client", { extraLines: ["EntryNodes guard9999"] });
    const bridgeClient = await makeBridgeClient();
    await guard.tor.stop();
    work = await lab.recordRelays([authority, guard, bridge], async () => {
      await guard.tor.start();
      await guard.tor.bootstrapped();
      for (const client of [guardClient, bridgeClient]) {
        await client.start();
        await client.bootstrapped();
        await browse();
        await client.stop();
      }
    });
    leaks = await lab.recordRelays([guard, bridge], async () => {
      for (const { address } of [guard, bridge]) {
        await lab.runOutside("curl", "-s", "-m", "5", "--interface", address, WEB);
        await lab.runOutside("dig", "+tries=1", "+time=2", "-b", address, "@203.0.113.53", "www.example.com");
      }
      await lab.runOutside("curl", "-s", "-m", "5", "--interface", STRANGER, `http://${guard.address}/`);
    });
  }, 90_000);

  /** As the relay's owner audits it. Bridges test themselves by way of relays, which then connect to them. */
  const audit = (recording: Recording, relay: Relay, role: string) =>
    lab.auditRelay(recording, relay, "--role", role, "--bridge", bridgeLine(bridge));

  it(titleOf(ROLES.guard), async () => {
    const [relay, client] = await Promise.all([audit(work, guard, "relay"), audit(work, guard, "client")]);
    expect([relay.status, reasonsOf(relay)]).toEqual([0, []]);
    expect(relay.report.findings).toMatchObject([{ rule: "directory-port", severity: "note" }]);
    expect(relay.report.coverage.torFlows).toBeGreaterThan(0);
    expect(client.report.findings).toMatchObject([{ rule: "directory-port", severity: "leak" }]);
  });

  it(titleOf(ROLES.authority), async () => {
    const [relay, client] = await Promise.all([audit(work, authority, "relay"), audit(work, authority, "client")]);
    expect([relay.status, reasonsOf(relay)]).toEqual([0, []]);
    expect(relay.report.findings).toMatchObject([{ rule: "directory-port", severity: "note" }]);
    expect(client.report.findings).toMatchObject([{ rule: "inbound", severity: "leak" }]);
  });

  it(titleOf(ROLES.guardLeak), async () => {
    const found = await audit(leaks, guard, "relay");
    expect([found.status, rulesOf(found)]).toEqual([1, ["dns", "http", "inbound"]]);
  });

  it(titleOf(ROLES.bridge), async () => {
    const [named, unnamed] = await Promise.all([
      audit(work, bridge, "bridge"),
      lab.auditRelay(work, bridge, "--role", "bridge"),
    ]);
    expect([named.status, rulesOf(named), reasonsOf(named)]).toEqual([0, [], []]);
    expect(named.report.coverage.torFlows).toBeGreaterThan(0);
    // Links to it that began before are seen from their middle: `inbound`.
    expect(rulesOf(unnamed)).toContain("tor-unlisted");
    expect(reasonsOf(unnamed)).toContain("tor-unlisted");
  });

  it(titleOf(ROLES.bridgeLeak), async () => {
    const found = await audit(leaks, bridge, "bridge");
    expect([found.status, rulesOf(found)]).toEqual([1, ["dns", "http"]]);
  });
});

describe("docs/audit-tests.md", () => {
  it("lists each test of a rule and of a reason, and no other", () => {
    const text = readFileSync(join(PROJECT, "docs/audit-tests.md"), "utf8");
    const rows = [...text.matchAll(/^\| `([a-z0-9-]+)` \| (.+?) \|/gm)].map(([, name, by]) => `${name}: ${by}`);
    const tests = [
      ...LEAKS.map(({ rule, by }) => `${rule}: ${by}`),
      ...Object.entries(SCENES).map(([rule, by]) => `${rule}: ${by}`),
      ...Object.values(ROLES).map(titleOf),
      ...BLINDNESSES.map(({ code, by }) => `${code}: ${by}`),
      "no-tor-traffic: tor is down, and the node speaks to its router only",
    ];
    expect(rows.toSorted()).toEqual(tests.toSorted());
  });
});
