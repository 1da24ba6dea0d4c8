import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LEEK, run } from "./leek.js";

const PEER = fileURLToPath(new URL("./network-peer.mjs", import.meta.url));
const START_MS = 15_000;

/** Addresses of the two ends. Public ones, so that what goes between them is clearnet. */
export const NEAR = "5.5.5.1";
export const FAR = "5.5.5.2";
/** The interface at either end. */
export const WIRE = "wire0";

let labs = 0;

/**
 * Two network namespaces with a wire between them: nothing but what a test sends goes over it. IPv6 and ARP are off.
 * Whatever is started here ends with `close`.
 */
export class WireLab {
  readonly near: string;
  readonly far: string;
  /** A folder for the test's files, which everybody may use. */
  readonly folder: string;
  readonly #children = new Set<ChildProcess>();
  readonly #disks: string[] = [];

  constructor() {
    const name = `leek-wire-${process.pid}-${++labs}`;
    this.near = `${name}-near`;
    this.far = `${name}-far`;
    this.folder = mkdtempSync(join(tmpdir(), "leek-lab-"));
    chmodSync(this.folder, 0o777);
    try {
      ip("netns", "add", this.near);
      ip("netns", "add", this.far);
      ip("-n", this.near, "link", "set", "lo", "up");
      this.layWire();
    } catch (error) {
      void this.close();
      throw error;
    }
  }

  /** Puts the wire between the ends, anew if it was removed. */
  layWire(): void {
    const { near, far } = this;
    const settings = "/proc/sys/net/ipv6/conf";
    for (const namespace of [near, far]) {
      this.run(namespace, "sh", "-c", `for of in all default; do echo 1 > ${settings}/$of/disable_ipv6; done`);
    }
    ip("-n", near, "link", "add", WIRE, "address", "02:00:00:00:00:01", "type", "veth", "peer", WIRE, "netns", far);
    ip("-n", far, "link", "set", WIRE, "address", "02:00:00:00:00:02");
    for (const [namespace, own, other, otherMac] of [
      [near, NEAR, FAR, "02:00:00:00:00:02"],
      [far, FAR, NEAR, "02:00:00:00:00:01"],
    ] as const) {
      ip("-n", namespace, "address", "add", `${own}/24`, "dev", WIRE);
      ip("-n", namespace, "link", "set", WIRE, "arp", "off", "up");
      ip("-n", namespace, "neighbour", "replace", other, "lladdr", otherMac, "nud", "permanent", "dev", WIRE);
    }
  }

  /** Makes a small disk of its own, as a folder in `folder`. @param size - As tmpfs takes it: "64k". */
  makeDisk(name: string, size: string): string {
    const path = join(this.folder, name);
    mkdirSync(path);
    const { status, stderr } = run("mount", ["-t", "tmpfs", "-o", `size=${size}`, "leek-test", path]);
    if (status !== 0) throw new Error(`mount: ${stderr}`);
    this.#disks.push(path);
    return path;
  }

  /** Runs a program in a namespace to its end. */
  run(namespace: string, ...words: readonly string[]): string {
    const { status, stdout, stderr } = run("ip", ["netns", "exec", namespace, ...words]);
    if (status !== 0) throw new Error(`${words.join(" ")}: ${status} ${stderr}`);
    return stdout;
  }

  /** Starts a program in a namespace; its process ID is the child's, for `ip netns exec` becomes it. */
  start(namespace: string, words: readonly string[], options: StartOptions = {}): Started {
    const child = spawn("ip", ["netns", "exec", namespace, ...words], {
      env: { ...process.env, TZ: "UTC", LC_ALL: "C", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      cwd: this.folder,
    });
    this.#children.add(child);
    return new Started(child, options);
  }

  /** Starts `leek ARGS` at the near end, and waits until it captures. */
  async leek(args: readonly string[], options: StartOptions = {}): Promise<Started> {
    const started = this.startLeek(args, options);
    await started.says(/listening on/);
    return started;
  }

  /** Starts `leek ARGS` at the near end. */
  startLeek(args: readonly string[], options: StartOptions = {}): Started {
    return this.start(this.near, [...(options.before ?? []), process.execPath, LEEK, ...args], options);
  }

  /** Starts tcpdump at one end, and waits until it captures. */
  async tcpdump(args: readonly string[], namespace = this.near): Promise<Started> {
    // Not as another user, who could not write here.
    const started = this.start(namespace, ["tcpdump", "-n", "--immediate-mode", "-i", WIRE, "-Z", "root", ...args]);
    await started.says(/listening on/);
    return started;
  }

  /** Starts a program with sockets, see network-peer.mjs. */
  async peer(namespace: string): Promise<Peer> {
    const child = spawn("ip", ["netns", "exec", namespace, process.execPath, PEER], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#children.add(child);
    await new Promise((resolve, reject) => {
      child.once("message", resolve);
      child.once("exit", reject);
    });
    return new Peer(child);
  }

  /** Ends all that was started, and takes the namespaces away. */
  async close(): Promise<void> {
    const running = [...this.#children].filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const ends = running.map((child) => new Promise((resolve) => child.once("exit", resolve)));
    for (const child of running) child.kill("SIGKILL");
    await Promise.all(ends);
    for (const namespace of [this.near, this.far]) run("ip", ["netns", "delete", namespace]);
    for (const path of this.#disks) run("umount", ["-l", path]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Words before leek's: the program that starts it. */
  readonly before?: readonly string[];
  /** Leaves standard output unread. */
  readonly unread?: boolean;
  /** Called with each piece of standard output, as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** A program that runs, and what it has said so far. */
export class Started {
  stdout = "";
  stderr = "";
  readonly child: ChildProcess;
  /** The exit status, or the signal, once all output has come. */
  readonly ended: Promise<number | NodeJS.Signals>;

  constructor(child: ChildProcess, { unread = false, onOutput }: StartOptions) {
    this.child = child;
    child.stdout!.setEncoding("latin1");
    if (!unread) this.read(onOutput);
    child.stderr!.setEncoding("utf8").on("data", (text) => {
      this.stderr += text;
    });
    const status = new Promise<number | NodeJS.Signals>((resolve) => {
      child.once("exit", (code, signal) => resolve(code ?? signal!));
    });
    const outputs = unread ? [child.stderr!] : [child.stdout!, child.stderr!];
    const closed = outputs.map((output) => new Promise((resolve) => output.once("close", resolve)));
    this.ended = Promise.all([status, ...closed]).then(() => status);
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Begins to read standard output. */
  read(onOutput?: (text: string) => void): void {
    this.child.stdout!.on("data", (text) => {
      this.stdout += text;
      onOutput?.(text);
    });
  }

  /** Lines of standard output, without the report that may follow. */
  get lines(): string[] {
    return this.stdout.split("\n").filter((line) => /^\d\d:\d\d:\d\d\.\d/.test(line));
  }

  /** Waits for text on standard error. */
  says(pattern: RegExp): Promise<void> {
    return until(
      () => pattern.test(this.stderr),
      START_MS,
      () => `no ${pattern} in: ${this.stderr}`,
    );
  }

  /** Waits for so many lines. */
  shows(count: number): Promise<void> {
    return until(
      () => this.lines.length >= count,
      START_MS,
      () => `${this.lines.length} lines, not ${count}: ${this.stderr}`,
    );
  }

  /** Sends a signal, and waits for the end. */
  async stop(signal: NodeJS.Signals = "SIGINT"): Promise<number | NodeJS.Signals> {
    this.child.kill(signal);
    return this.ended;
  }

  /** A number of a line in /proc/PID/status: "VmRSS" in KiB. */
  status(field: string): number {
    const text = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1]);
  }
}

/** A program with sockets, which does what it is told. */
export class Peer {
  #asked = 0;

  constructor(readonly child: ChildProcess) {}

  get pid(): number {
    return this.child.pid!;
  }

  /** Does a task of network-peer.mjs, and gives its answer. */
  do(task: string, settings: object = {}): Promise<{ readonly port: number; readonly at: readonly number[] }> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      const take = (message: { id: number; result: never; error?: string }) => {
        if (message.id !== id) return;
        this.child.off("message", take);
        if (message.error === undefined) resolve(message.result);
        else reject(new Error(message.error));
      };
      this.child.on("message", take);
      this.child.send({ id, task, ...settings });
    });
  }
}

/** Waits until something holds; looks every 10 ms. */
export async function until(holds: () => boolean, ms: number, otherwise: () => string): Promise<void> {
  for (const end = Date.now() + ms; !holds(); await pause(10)) {
    if (Date.now() > end) throw new Error(otherwise());
  }
}

/** Processes that a process has started with its first thread. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = run("ip", args);
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}
