import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { consensus, HOUR, authorities as signers, torrc } from "../archive/signed-network.js";
import { type Identity, makeIdentity } from "../download/tls-server.js";
import { makeAuthority, makeCertificate } from "../relays/signed-documents.js";
import { LEEK, leek, type Outcome, run } from "../support/leek.js";

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
const servers: TcpServer[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "leek-update-"));
  authorities = join(folder, "torrc");
  writeFileSync(authorities, torrc);
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    (server as Partial<Server>).closeAllConnections?.();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A directory server on this machine. @returns Its address, and what it was asked. */
async function serve(
  answers: Readonly<Record<string, Answer>>,
  identity?: Identity,
): Promise<{ address: string; port: number; asked: string[] }> {
  const asked: string[] = [];
  const answered: Answer = (request, response) => {
    asked.push(request.url ?? "");
    const answer = answers[request.url ?? ""];
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  };
  const server = identity === undefined ? createServer(answered) : createTlsServer(identity, answered);
  const port = await listen(server);
  return { address: `127.0.0.1:${port}`, port, asked };
}

async function listen(server: TcpServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

/**
 * A SOCKS proxy that takes every name for this port of this machine, and refuses addresses as tor's exits do those of
 * authorities. @returns Its URL, and what it was asked for.
 */
async function socksTo(port: number): Promise<{ via: string; named: string[] }> {
  const named: string[] = [];
  const server = createTcpServer((client) => {
    client.on("error", () => {});
    client.once("data", () => {
      client.write(Buffer.from("0500", "hex"));
      client.once("data", (request) => {
        if (request[3] !== 3) {
          named.push("an address");
          client.end(Buffer.from("05010001000000000000", "hex"));
          return;
        }
        const length = request[4]!;
        named.push(`${request.toString("latin1", 5, 5 + length)}:${request.readUInt16BE(5 + length)}`);
        client.write(Buffer.from("05000001000000000000", "hex"));
        const onward = connect(port, "127.0.0.1");
        onward.on("error", () => client.destroy()).on("close", () => client.destroy());
        client.on("close", () => onward.destroy());
        client.pipe(onward).pipe(client);
      });
    });
  });
  return { via: `socks5h://127.0.0.1:${await listen(server)}`, named };
}

const send =
  (bytes: Buffer | string): Answer =>
  (_, response) =>
    response.end(bytes);

/** Runs leek without blocking the server in this process. HOME is empty: no files of a tor of whoever runs this. */
async function update(
  directory: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  before: readonly string[] = [],
): Promise<Outcome> {
  const leekUpdate = [process.execPath, LEEK, "relays", "update", "--data-dir", directory];
  const [program, ...words] = [...before, ...leekUpdate, "--authorities-from", authorities, ...args];
  const child = spawn(program!, words, { env: { ...process.env, HOME: folder, ...environment } });
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
    expect(JSON.parse(again.stdout).documents).toMatchObject([
      { kept: "present", verification: { state: "verified", good: 3, authorities: 3 } },
    ]);
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

describe("leek relays update killed in the middle of writing", () => {
  /** strace counts the calls of each thread. */
  const ONE_THREAD = { UV_THREADPOOL_SIZE: "1" };
  const litter = (directory: string) =>
    readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => name.includes(".leek-tmp"));

  it("harms nothing that was kept, and the next one completes it and leaves no litter", async () => {
    const before = await serve({ [CONSENSUS]: send(consensus(CURRENT - HOUR)), [KEYS]: send(certificates) });
    const now = await serve({ [CONSENSUS]: send(consensus(CURRENT)), [KEYS]: send(certificates) });
    const littered: string[] = [];
    let killed = 0;
    // Just before each of its calls that make something durable or give it its name, until one comes to its end.
    for (const call of ["fsync", "/rename"]) {
      for (let nth = 1, isKilled = true; isKilled; nth++) {
        const directory = newDirectory();
        expect((await update(directory, network(before.address))).status).toBe(0);
        const was = kept(directory);
        const strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", `trace=${call}`];
        const inject = ["-e", `inject=${call}:signal=SIGKILL:when=${nth}`];
        const { stdout } = await update(directory, network(now.address), ONE_THREAD, [...strace, ...inject]);
        isKilled = stdout === "";
        if (isKilled) killed++;
        littered.push(...litter(directory));
        expect(kept(directory)).toEqual(expect.arrayContaining(was));
        const status = ["relays", "status", "--verify", "--json", "--data-dir", directory];
        const verified = () =>
          JSON.parse(leek([...status, "--authorities-from", authorities]).stdout).verified as { problems: unknown[] };
        expect(verified().problems).toEqual([]);
        expect((await update(directory, network(now.address))).status).toBe(0);
        expect(litter(directory)).toEqual([]);
        expect(verified()).toEqual({ count: 2, problems: [] });
      }
    }
    expect(littered.length).toBeGreaterThan(0);
    expect(killed).toBeGreaterThanOrEqual(3);
  }, 60_000);
});

describe("leek relays update from CollecTor", () => {
  const place = (validAfter: number, flavor = "microdesc") => {
    const name = day(validAfter).replace(/[ :]/g, "-");
    return flavor === "ns"
      ? `/recent/relay-descriptors/consensuses/${name}-consensus`
      : `/recent/relay-descriptors/microdescs/consensus-microdesc/${name}-consensus-microdesc`;
  };
  const CERTS = "/archive/relay-descriptors/certs.tar.xz";
  const identity = makeIdentity("DNS:collector.example", "IP:127.0.0.1");
  let trusting: Record<string, string>;
  let certsArchive: Buffer;
  beforeAll(() => {
    const certs = join(folder, "certs");
    mkdirSync(certs);
    writeFileSync(join(folder, "ca.pem"), identity.cert);
    trusting = { NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") };
    const old = { published: "2020-01-01 00:00:00", expires: "2021-01-01 00:00:00" };
    for (const [i, it] of signers.entries()) {
      const annotation = "@type dir-key-certificate-3 1.0\n";
      writeFileSync(join(certs, `${it.v3Identity}-now`), annotation + makeCertificate(it, times));
      writeFileSync(join(certs, `${it.v3Identity}-${i}`), annotation + makeCertificate(it, old));
    }
    run("tar", ["-cJf", join(folder, "certs.tar.xz"), "-C", folder, "certs"]);
    certsArchive = readFileSync(join(folder, "certs.tar.xz"));
  });

  it("goes back hour by hour, through the proxy and inside TLS, and takes those certificates that hold", async () => {
    const answers = { [place(CURRENT - HOUR)]: send(consensus(CURRENT - HOUR)), [CERTS]: send(certsArchive) };
    const server = await serve(answers, identity);
    const { via, named } = await socksTo(server.port);
    const directory = newDirectory();
    const args = ["--from", "collector", "--via", via, "--collector", "https://collector.example"];
    const { status, stdout, stderr } = await update(directory, args, trusting);
    expect([status, stderr]).toEqual([0, `leek: Asking collector.example through ${via.slice(10)}.\n`]);
    expect(stdout).toMatch(/^microdesc consensus from collector\.example: valid .*, verified \(3 of 3\), kept\n$/);
    expect(server.asked).toEqual([place(CURRENT), place(CURRENT - HOUR), CERTS]);
    expect(new Set(named)).toEqual(new Set(["collector.example:443"]));
    expect(kept(directory).filter((name) => name === "certificate")).toHaveLength(3);
  });

  it("is asked after the others, at a path and without TLS too", async () => {
    const useless = await serve({});
    const server = await serve({
      [`/mirror${place(CURRENT, "ns")}`]: send(consensus(CURRENT, { flavor: "ns" })),
      [`/mirror${place(CURRENT)}`]: send(consensus(CURRENT)),
      [`/mirror${CERTS}`]: send(certsArchive),
    });
    const all = ["--from", "collector", "--from", "network", "--direct", "--flavor", "both"];
    const where = ["--mirror", useless.address, "--collector", `http://${server.address}/mirror/`];
    const { status, stdout } = await update(newDirectory(), [...all, ...where]);
    expect([status, useless.asked.length]).toEqual([0, 2]);
    expect(stdout.match(/verified \(3 of 3\), kept/g)).toHaveLength(2);
    expect(server.asked.filter((path) => path.endsWith(CERTS))).toHaveLength(1);
  });

  it("comes after two of the authorities, for through Tor none can be reached", async () => {
    const server = await serve({ [place(CURRENT)]: send(consensus(CURRENT)), [CERTS]: send(certsArchive) }, identity);
    const { via, named } = await socksTo(server.port);
    const args = ["--from", "network", "--via", via];
    const collector = ["--from", "collector", "--collector", "https://collector.example"];
    const { status, stderr } = await update(newDirectory(), [...args, ...collector], trusting);
    expect([status, named.slice(0, 3)]).toEqual([0, ["an address", "an address", "collector.example:443"]]);
    expect(stderr).not.toContain("Tor's exits refuse");
    const alone = await update(newDirectory(), args, trusting);
    expect([alone.status, alone.stderr.match(/SOCKS reply 1/g)]).toEqual([69, new Array(3).fill("SOCKS reply 1")]);
    expect(alone.stderr).toContain("CollecTor can be reached through Tor: --from collector.");
  });

  it("keeps nothing of one that has nothing, is damaged, old, unsigned, or not who it should be", async () => {
    const changed = Buffer.from(
      consensus(CURRENT)
        .toString("latin1")
        .replace(/Running/, "Runnung"),
      "latin1",
    );
    const good = send(consensus(CURRENT));
    const cases: [Readonly<Record<string, Answer>>, string][] = [
      [{}, "it does not have the document (404 Not Found)"],
      [{ [place(CURRENT)]: send("<html>") }, "it sent no consensus"],
      [{ [place(CURRENT)]: send(consensus(CURRENT - 9 * HOUR)) }, "it sent one that was valid until"],
      [{ [place(CURRENT)]: send(changed), [CERTS]: send(certsArchive) }, "is invalid"],
      [{ [place(CURRENT)]: good }, "key certificates are missing"],
      [{ [place(CURRENT)]: good, [CERTS]: send("<html>") }, "sent a damaged archive of key certificates"],
      [{ [place(CURRENT)]: good, [CERTS]: send(certsArchive.subarray(0, -99)) }, "sent a damaged archive"],
    ];
    for (const [answers, reason] of cases) {
      const server = await serve(answers);
      const directory = newDirectory();
      const args = ["--from", "collector", "--direct", "--collector", `http://${server.address}`];
      const { status, stderr } = await update(directory, args);
      expect([status, stderr]).toEqual([69, expect.stringContaining(reason)]);
      expect(kept(directory).filter((name) => name !== "certificate")).toEqual([]);
    }
    const stranger = await serve({ [place(CURRENT)]: good, [CERTS]: send(certsArchive) }, identity);
    const args = ["--from", "collector", "--direct", "--collector", `https://${stranger.address}`];
    const { status, stderr } = await update(newDirectory(), args);
    expect([status, stderr]).toEqual([69, expect.stringContaining("its certificate is not to be trusted")]);
    expect(stranger.asked).toEqual([]);
  });

  it("is not asked without a proxy unless --direct says so: not even its name is looked up", async () => {
    const trace = join(folder, "trace");
    const strace = ["unshare", "-n", "strace", "-f", "-qq", "-o", trace, "-e", "trace=connect,sendto,sendmsg,sendmmsg"];
    const { status, stderr } = await update(newDirectory(), ["--from", "collector"], {}, strace);
    expect([status, stderr]).toEqual([69, expect.stringContaining("CollecTor was not asked")]);
    const calls = readFileSync(trace, "utf8");
    // Whether tor is there, it asked; and nobody else.
    expect(calls).toMatch(/sin_port=htons\(9050\)/);
    expect(calls).not.toMatch(/htons\((?!9050|9150)\d+\)|AF_UNIX/);
  });

  it("refuses an address that is none", async () => {
    for (const url of ["collector.example", "ftp://collector.example", "https://a:b@collector.example"]) {
      expect((await update(newDirectory(), ["--from", "collector", "--collector", url])).status).toBe(64);
    }
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
