import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { consensus, HOUR, authorities as signers, torrc } from "../archive/signed-network.js";
import { makeAuthority, makeCertificate } from "../relays/signed-documents.js";
import { LEEK, leek, type Outcome } from "../support/leek.js";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const NOW = Math.floor(Date.now() / 1000);
/** As on the public network: at the full hour. */
const CURRENT = NOW - (NOW % HOUR);
const day = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
/** Which hold now, whenever that is. */
const times = { published: day(NOW - 365 * 24 * HOUR), expires: day(NOW + 365 * 24 * HOUR) };
const certificates = signers.map((it) => makeCertificate(it, times)).join("");
const CONSENSUS = "/tor/status-vote/current/consensus-microdesc";
const KEYS = "/tor/keys/all";

let folder: string;
let authorities: string;
const servers: Server[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "leek-update-"));
  authorities = join(folder, "torrc");
  writeFileSync(authorities, torrc);
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A directory server on this machine. @returns Its address, and what it was asked. */
async function serve(answers: Readonly<Record<string, Answer>>): Promise<{ address: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const answer = answers[request.url ?? ""];
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const send =
  (bytes: Buffer | string): Answer =>
  (_, response) =>
    response.end(bytes);

/** Runs leek without blocking the server in this process. HOME is empty: no files of a tor of whoever runs this. */
async function update(directory: string, args: readonly string[]): Promise<Outcome> {
  const words = ["relays", "update", "--data-dir", directory, "--authorities-from", authorities, ...args];
  const child = spawn(process.execPath, [LEEK, ...words], { env: { ...process.env, HOME: folder } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const [status] = await once(child, "close");
  return { status, stdout, stderr };
}

const network = (...mirrors: readonly string[]) => [
  ...["--from", "network", "--direct"],
  ...mirrors.flatMap((mirror) => ["--mirror", mirror]),
];
const newDirectory = () => join(mkdtempSync(join(folder, "data-")), "leek");

/** Paths of what is kept, without the index. */
function kept(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith(".leek-index"))
    .map(({ name }) => name.replace(/^[0-9A-F]{40}-.*/, "certificate"))
    .sort();
}

describe("leek relays update from directory servers", () => {
  it("fetches the consensus and the certificates that it needs, verifies them, keeps them, and lookup uses them", async () => {
    const server = await serve({
      [CONSENSUS]: (_, response) =>
        response.writeHead(200, { "content-encoding": "deflate" }).end(deflateSync(consensus(CURRENT))),
      [KEYS]: send(certificates),
    });
    const directory = newDirectory();
    const { status, stdout, stderr } = await update(directory, network(server.address));
    expect([status, stderr]).toEqual([0, `leek: Asking ${server.address} directly, not through Tor.\n`]);
    expect(stdout).toMatch(/^microdesc consensus from 127\.0\.0\.1:\d+: valid .*, verified \(3 of 3\), kept\n$/);
    expect(server.asked).toEqual([CONSENSUS, KEYS]);
    expect(kept(directory).filter((name) => name === "certificate")).toHaveLength(3);
    const again = await update(directory, [...network(server.address), "--json"]);
    expect(JSON.parse(again.stdout).documents).toMatchObject([{ kept: "present", verification: "verified (3 of 3)" }]);
    // The certificates are there.
    expect(server.asked.slice(2)).toEqual([CONSENSUS]);
    const trust = ["--data-dir", directory, "--authorities-from", authorities];
    const verified = { count: 1, problems: [] };
    expect(JSON.parse(leek(["relays", "status", "--json", "--verify", ...trust]).stdout)).toMatchObject({ verified });
  });

  it("goes on with the next one when one has nothing, or is wrong, old, cut short, too large, or sends what nobody signed", async () => {
    const changed = Buffer.from(
      consensus(CURRENT)
        .toString("latin1")
        .replace(/Running/, "Runnung"),
      "latin1",
    );
    const good = await serve({ [CONSENSUS]: send(consensus(CURRENT)), [KEYS]: send(certificates) });
    const bad = await Promise.all([
      serve({}),
      serve({ [CONSENSUS]: send("<html>") }),
      serve({ [CONSENSUS]: send(consensus(CURRENT - 100 * HOUR)) }),
      serve({ [CONSENSUS]: send(consensus(CURRENT + 100 * HOUR)) }),
      serve({ [CONSENSUS]: send(consensus(CURRENT, { flavor: "ns" })) }),
      serve({
        [CONSENSUS]: (_, response) =>
          response.writeHead(200, { "content-length": "99999999" }).write("x") && response.destroy(),
      }),
      serve({
        [CONSENSUS]: (_, response) =>
          response.writeHead(200, { "content-encoding": "deflate" }).end(deflateSync(Buffer.alloc(64 << 20))),
      }),
      serve({ [CONSENSUS]: send(changed), [KEYS]: send(certificates) }),
    ]);
    for (const server of bad) {
      const directory = newDirectory();
      const alone = await update(directory, network(server.address));
      expect([server.asked.length > 0, alone.status, alone.stdout]).toEqual([true, 69, ""]);
      expect(alone.stderr).toContain("There is no current microdesc consensus to be had; what was kept is as it was.");
      expect(kept(directory).filter((name) => name !== "certificate")).toEqual([]);
      // Mirrors are asked in any order, so each is tried alone with the good one.
      const { status } = await update(directory, network(server.address, good.address));
      expect(status).toBe(0);
    }
  });

  it("keeps nothing that cannot be verified, and says why", async () => {
    const server = await serve({ [CONSENSUS]: send(consensus(CURRENT)) });
    const directory = newDirectory();
    const { status, stderr } = await update(directory, network(server.address));
    expect(status).toBe(69);
    expect(stderr).toContain("key certificates are missing");
    expect(kept(directory)).toEqual([]);
  });

  it("asks the next one for certificates too, and says what is wrong with a proxy", async () => {
    const strangers = makeCertificate(makeAuthority("stranger"), times);
    const useless = await serve({ [CONSENSUS]: send(consensus(CURRENT)), [KEYS]: send(strangers) });
    const good = await serve({ [KEYS]: send(certificates) });
    const directory = newDirectory();
    expect((await update(directory, network(useless.address, good.address))).status).toBe(0);
    expect(kept(directory).filter((name) => name === "certificate")).toHaveLength(3);
    const proxied = ["--from", "network", "--via", "socks5h://127.0.0.1:1", "--mirror", good.address];
    const { status, stderr } = await update(newDirectory(), proxied);
    expect([status, stderr]).toEqual([69, expect.stringContaining("Cannot use the SOCKS proxy at 127.0.0.1:1")]);
  });

  it("killed in the middle, leaves what was kept as it was", async () => {
    const directory = newDirectory();
    const before = await serve({ [CONSENSUS]: send(consensus(CURRENT - HOUR)), [KEYS]: send(certificates) });
    expect((await update(directory, network(before.address))).status).toBe(0);
    const was = kept(directory);
    const whole = consensus(CURRENT);
    const half = await serve({
      [CONSENSUS]: (_, response) => void response.writeHead(200).write(whole.subarray(0, 500)),
    });
    const words = [
      "relays",
      "update",
      "--data-dir",
      directory,
      "--authorities-from",
      authorities,
      ...network(half.address),
    ];
    const child = spawn(process.execPath, [LEEK, ...words], { stdio: "ignore" });
    while (half.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(kept(directory)).toEqual(was);
    const trust = ["--data-dir", directory, "--authorities-from", authorities];
    expect(leek(["relays", "status", "--verify", ...trust]).status).toBe(0);
  });
});

describe("leek relays update from the local tor", () => {
  it("takes what lies in its folder, without the network", async () => {
    const tor = join(folder, ".tor");
    const directory = newDirectory();
    rmSync(tor, { recursive: true, force: true });
    mkdirSync(tor);
    writeFileSync(join(tor, "cached-microdesc-consensus"), consensus(CURRENT, { annotated: false }));
    const without = await update(directory, ["--from", "files"]);
    expect([without.status, without.stderr]).toEqual([69, expect.stringContaining("key certificates are missing")]);
    writeFileSync(join(tor, "cached-certs"), certificates);
    const { status, stdout } = await update(directory, ["--from", "files"]);
    rmSync(tor, { recursive: true });
    expect([status, stdout]).toEqual([0, expect.stringContaining(`from ${join(tor, "cached-microdesc-consensus")}`)]);
  });

  it("says what is wrong with a control port that was named", async () => {
    const { status, stderr } = await update(newDirectory(), [
      "--from",
      "control",
      "--control",
      join(folder, "nowhere"),
    ]);
    expect([status, stderr]).toEqual([69, expect.stringContaining("control port")]);
  });

  it("refuses a source that there is not", async () => {
    expect((await update(newDirectory(), ["--from", "heaven"])).status).toBe(64);
  });
});
