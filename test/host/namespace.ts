import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/leek.js";

const PROGRAM = join(import.meta.dirname, "socket-program.mjs");

let made = 0;

/** A network namespace of a test, with `lo` up. Everything in it ends with `close`. */
export class Namespace {
  readonly name = `leek-host-${process.pid}-${++made}`;
  readonly #children: ChildProcess[] = [];

  constructor() {
    ip("netns", "add", this.name);
    this.ip("link", "set", "lo", "up");
  }

  /** As /proc/PID/ns/net has it. */
  get inode(): number {
    return statSync(`/run/netns/${this.name}`).ino;
  }

  /** Runs `ip WORDS` for this namespace. */
  ip(...words: readonly string[]): string {
    return ip("-n", this.name, ...words);
  }

  /** Runs a program to its end. */
  run(program: string, ...words: readonly string[]): string {
    return execFileSync("ip", ["netns", "exec", this.name, program, ...words], { encoding: "utf8", timeout: 20_000 });
  }

  /** Starts a program with sockets. */
  async program(): Promise<SocketProgram> {
    const child = spawn("ip", ["netns", "exec", this.name, process.execPath, PROGRAM], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#children.push(child);
    const program = new SocketProgram(child);
    await program.answer();
    return program;
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
    // What they have started holds the namespace, too.
    const left = run("ip", ["netns", "pids", this.name]).stdout.split("\n").filter(Boolean).map(Number);
    for (const pid of left) process.kill(pid, "SIGKILL");
    run("ip", ["netns", "delete", this.name]);
  }
}

/** See socket-program.mjs. */
export class SocketProgram {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  answer(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#child.once("message", (message) => resolve(message as number));
      this.#child.once("exit", reject);
    });
  }

  do(word: string, host?: string, port?: number): Promise<number> {
    const answer = this.answer();
    this.#child.send([word, host, port]);
    return answer;
  }
}

function ip(...words: readonly string[]): string {
  const { status, stdout, stderr } = run("ip", words);
  if (status !== 0) throw new Error(`ip ${words.join(" ")}: ${stderr}`);
  return stdout;
}
