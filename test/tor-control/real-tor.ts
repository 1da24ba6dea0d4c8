import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TcpAddress, UnixAddress } from "../../src/tor-control/index.js";

const running: { readonly child: ChildProcess; readonly directory: string }[] = [];

export interface RealTor {
  /** tor's DataDirectory. */
  readonly directory: string;
  readonly tcp: TcpAddress;
  readonly unix: UnixAddress;
}

/** A real tor that touches no network, with a control port on 127.0.0.1 and a control socket. stopTors() ends it. */
export async function startTor(...lines: readonly string[]): Promise<RealTor> {
  // The mode of its folder alone keeps others from the socket and the cookie.
  const directory = mkdtempSync(join(tmpdir(), "leek-tor-"));
  const sockets = join(directory, "sockets");
  mkdirSync(sockets, { mode: 0o700 });
  const [torrc, defaults, portFile] = [join(directory, "torrc"), join(directory, "defaults"), join(directory, "port")];
  writeFileSync(defaults, "");
  const torrcLines = [
    `DataDirectory ${directory}`,
    "DisableNetwork 1",
    "SocksPort 0",
    "ControlPort auto",
    `ControlPortWriteToFile ${portFile}`,
    `ControlSocket ${sockets}/control`,
    "ShutdownWaitLength 0",
    // It ends with this process, even if nobody stops it.
    `__OwningControllerProcess ${process.pid}`,
    ...lines,
  ];
  writeFileSync(torrc, `${torrcLines.join("\n")}\n`);
  const child = spawn("tor", ["-f", torrc, "--defaults-torrc", defaults], { stdio: ["ignore", "pipe", "inherit"] });
  let log = "";
  child.stdout.on("data", (text) => {
    log += text;
  });
  running.push({ child, directory });
  for (let waited = 0; waited < 400; waited++) {
    const port = /PORT=127\.0\.0\.1:(\d+)/.exec(readIfThere(portFile))?.[1];
    if (port !== undefined) {
      return { directory, tcp: { host: "127.0.0.1", port: Number(port) }, unix: { path: join(sockets, "control") } };
    }
    if (child.exitCode !== null) break;
    await sleep(25);
  }
  throw new Error(`tor did not start:\n${log}`);
}

/** Ends all that startTor() started. */
export async function stopTors(): Promise<void> {
  for (const { child, directory } of running.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The line of torrc for this password. */
export function hashedPassword(password: string): string {
  const output = execFileSync("tor", ["--quiet", "--hash-password", password], { encoding: "utf8" });
  return `HashedControlPassword ${output.trim().split("\n").at(-1)}`;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
