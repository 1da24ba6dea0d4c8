import { type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { NODE } from "../../../scripts/tornet/plan.mjs";
import { type Relay, startTornet, type Tornet } from "../../../scripts/tornet/tornet.mjs";
import { LEEK } from "../../support/leek.js";
import { Started } from "../../support/wire-lab.js";

/** Answers on many ports, see strangers.mjs. */
export const STRANGER = "203.0.113.99";

/** The last packets of a connection come after the program has seen its end. */
const SETTLE_MS = 250;
/** A leak is made in a second or two; no program may hang for longer. */
const PROGRAM_PATIENCE_SECONDS = 15;

/** Of the document `leek/audit@1`, what these tests look at. */
export interface AuditJson {
  readonly verdict: "clean" | "leak" | "inconclusive";
  readonly reasons: readonly { readonly code: string; readonly details: string }[];
  readonly findings: readonly FindingJson[];
  readonly coverage: { readonly torFlows: number; readonly dropped: number | null };
}

export interface FindingJson {
  readonly id: string;
  readonly rule: string;
  readonly severity: string;
  readonly title: string;
  readonly disclosed: readonly { readonly kind: string; readonly value: string }[];
  readonly flows: readonly { readonly transport: string; readonly responder: { readonly address: string } }[];
  readonly packets: number;
  readonly process: { readonly name: string } | null;
  readonly proof: readonly number[];
}

/** What a run of `leek audit` said. */
export interface Audited {
  readonly status: number | null;
  readonly stderr: string;
  readonly report: AuditJson;
}

/** A capture, and what its recorder said it had lost. */
export interface Recording {
  readonly file: string;
  readonly dropped: number;
}

/** A private Tor network with more servers, recordings of its node, and audits of these as a user makes them. */
export class AuditLab {
  readonly folder = mkdtempSync(join(tmpdir(), "leek-audit-"));
  #recordings = 0;

  private constructor(readonly tornet: Tornet) {
    chmodSync(this.folder, 0o777);
  }

  /** Some 30 seconds. */
  static async start(): Promise<AuditLab> {
    const tornet = await startTornet();
    const lab = new AuditLab(tornet);
    try {
      await tornet.internet.run(["ip", "address", "add", `${STRANGER}/32`, "dev", "lo"]);
      const strangers = new Started(
        tornet.spawnOnInternet([process.execPath, helper("strangers.mjs"), tornet.dir], PIPES),
        {},
      );
      await said(strangers, "stdout", /ready/);
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  /** Ends all programs, and takes namespaces and files away. */
  async close(): Promise<void> {
    await this.tornet.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The options by which leek knows the private network's relays. */
  get documents(): string[] {
    const { dataDirectory } = this.tornet.client;
    return ["--no-local-consensus", "--consensus", join(dataDirectory, "cached-microdesc-consensus")];
  }

  /** The same, and whom to believe. */
  get trust(): string[] {
    const { dataDirectory } = this.tornet.client;
    const certificates = ["--certs", join(dataDirectory, "cached-certs")];
    return [...this.documents, ...certificates, "--authorities-from", join(dataDirectory, "torrc")];
  }

  /** Runs a program on the node to its end. How it ends does not matter: its packets do. */
  async run(...words: readonly string[]): Promise<string> {
    const patient = ["timeout", "-k", "1", String(PROGRAM_PATIENCE_SECONDS), ...words];
    return this.tornet.node.run(patient, { accept: ANY_STATUS });
  }

  /** As `run`, on the internet's side. */
  async runOutside(...words: readonly string[]): Promise<string> {
    const patient = ["timeout", "-k", "1", String(PROGRAM_PATIENCE_SECONDS), ...words];
    return this.tornet.internet.run(patient, { accept: ANY_STATUS });
  }

  /** Says the first words of a program that is not installed, see snippets.mjs. */
  say(...words: readonly string[]): Promise<string> {
    return this.run(process.execPath, helper("snippets.mjs"), ...words);
  }

  /** Sends a packet that no socket sends, see raw-packets.py. */
  sendRaw(what: string, address: string): Promise<string> {
    return this.run("python3", helper("raw-packets.py"), what, address);
  }

  /** Starts a program on the node that goes on. */
  start(...words: readonly string[]): Started {
    const env = { ...process.env, TZ: "UTC", LEEK_DATA_DIR: "/nonexistent" };
    return new Started(this.tornet.spawnOnNode(words, { env, ...PIPES }), {});
  }

  /** Starts a snippet that goes on, and waits until it is ready. */
  async serve(address: string, port: number): Promise<Started> {
    const started = this.start(process.execPath, helper("snippets.mjs"), "serve", address, String(port));
    await said(started, "stdout", /ready/);
    return started;
  }

  /** Records with tcpdump what the node's interface carries meanwhile. */
  record(act: () => Promise<unknown>, options: readonly string[] = []): Promise<Recording> {
    return this.#record(act, ["-i", NODE.interface, ...options], (words) => this.start(...words));
  }

  /** The same of relays, on the internet's side: what their machines send and get. */
  recordRelays(relays: readonly Relay[], act: () => Promise<unknown>): Promise<Recording> {
    const options = ["-i", "any", relays.map(({ address }) => `host ${address}`).join(" or ")];
    return this.#record(act, options, (words) => new Started(this.tornet.spawnOnInternet(words, PIPES), {}));
  }

  async #record(
    act: () => Promise<unknown>,
    options: readonly string[],
    start: (words: readonly string[]) => Started,
  ): Promise<Recording> {
    const file = this.#newFile("pcap");
    // Immediate mode loses no packet at the end, but each one takes room for a whole snaplen.
    const words = ["-n", "--immediate-mode", "-B", "131072", "-Z", "root", "-U", "-w", file];
    const tcpdump = start(["tcpdump", ...words, ...options]);
    await tcpdump.says(/listening on/);
    await act();
    await sleep(SETTLE_MS);
    await tcpdump.stop();
    const dropped = /^(\d+) packets? dropped by kernel$/m.exec(tcpdump.stderr)?.[1];
    if (dropped === undefined) throw new Error(`tcpdump did not end as it does: ${tcpdump.stderr}`);
    return { file, dropped: Number(dropped) };
  }

  /** Records with leek, whose files say themselves what was lost. */
  async recordWithLeek(act: () => Promise<unknown>, options: readonly string[] = []): Promise<string> {
    const file = this.#newFile("pcapng");
    const face = options.includes("-i") ? [] : ["-i", NODE.interface];
    const leek = this.start(process.execPath, LEEK, "capture", ...face, ...options, ...this.trust, "-w", file);
    await leek.says(/listening on/);
    await act();
    await sleep(SETTLE_MS);
    const status = await leek.stop();
    if (status !== 0) throw new Error(`leek capture ended with ${status}: ${leek.stderr}`);
    return file;
  }

  /** The first half of a file. */
  cut(file: string): string {
    const bytes = readFileSync(file);
    const half = this.#newFile("pcapng");
    // Blocks are a multiple of four bytes long: not between two of them.
    writeFileSync(half, bytes.subarray(0, Math.floor(bytes.length / 8) * 4 + 2));
    return half;
  }

  /** Audits a file as a user who knows the network does. */
  audit(recording: Recording | string, ...options: readonly string[]): Promise<Audited> {
    const known = typeof recording === "string" ? [recording] : [recording.file, "--drops", String(recording.dropped)];
    return this.auditAs(...known, ...NODE_OPTIONS, ...this.trust, ...options);
  }

  /** Audits one of the relays of a recording. */
  auditRelay({ file, dropped }: Recording, { address }: Relay, ...options: readonly string[]): Promise<Audited> {
    return this.auditAs(file, "--drops", String(dropped), "--node", address, ...this.trust, ...options);
  }

  /** `leek audit` with these words alone. */
  async auditAs(...words: readonly string[]): Promise<Audited> {
    const env = { ...process.env, TZ: "UTC", LEEK_DATA_DIR: "/nonexistent" };
    const child = spawn(process.execPath, [LEEK, "audit", "--json", ...words], { env, ...PIPES });
    const started = new Started(child, {});
    return audited(started, await started.ended);
  }

  /** Starts an audit of the node's interface on the node, and waits until it captures. */
  async auditLive(...options: readonly string[]): Promise<LiveAudit> {
    const face = options.includes("-i") ? [] : ["-i", NODE.interface];
    const leek = this.start(process.execPath, LEEK, "audit", "--json", ...face, ...this.trust, ...options);
    await leek.says(/listening on/);
    return new LiveAudit(leek);
  }

  #newFile(extension: string): string {
    return join(this.folder, `${++this.#recordings}.${extension}`);
  }
}

/** An audit that goes on until its duration has passed. */
export class LiveAudit {
  constructor(readonly leek: Started) {}

  async ended(): Promise<Audited> {
    return audited(this.leek, await this.leek.ended);
  }

  async stop(): Promise<Audited> {
    return audited(this.leek, await this.leek.stop());
  }
}

/** The node's own addresses. */
export const NODE_OPTIONS = ["--node", NODE.address, "--node", NODE.ipv6];

const PIPES = { stdio: ["ignore", "pipe", "pipe"] } satisfies SpawnOptions;
const ANY_STATUS = Array.from({ length: 256 }, (_, status) => status);

function helper(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function audited({ stdout, stderr }: Started, status: number | NodeJS.Signals): Audited {
  if (stdout === "") throw new Error(`leek audit ended with ${status}, and without a report: ${stderr}`);
  return { status: typeof status === "number" ? status : null, stderr, report: JSON.parse(stdout) };
}

async function said(started: Started, stream: "stdout" | "stderr", pattern: RegExp): Promise<void> {
  const gone = started.ended.then((status) => {
    throw new Error(`ended with ${status}: ${started.stderr}`);
  });
  while (!pattern.test(started[stream])) await Promise.race([once(started.child.stdout!, "data"), gone]);
  gone.catch(() => {});
}

/** The rules of a report's findings, each once, in order. */
export function rulesOf({ report }: Audited): string[] {
  return [...new Set(report.findings.map(({ rule }) => rule))].sort();
}

export function reasonsOf({ report }: Audited): string[] {
  return report.reasons.map(({ code }) => code).sort();
}
