import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ControlConnection, type ControlOptions, type SocketAddress } from "../../src/tor-control/index.js";
import { expectNoClientLeft, proxyTo } from "./fake-tor.js";
import { hashedPassword, type RealTor, startTor, stopTors } from "./real-tor.js";

// The judge here is the real tor.

const FIXTURES = join(import.meta.dirname, "..", "..", "fixtures", "consensus", "2026-11-23-00-49-36-");
const NOBODY = 65534;

let open: RealTor;
let cookie: RealTor;
let password: RealTor;
let both: RealTor;
beforeAll(async () => {
  const hash = hashedPassword('pass "word" \\ é');
  [open, cookie, password, both] = await Promise.all([
    startTor(),
    startTor("CookieAuthentication 1", "UseBridges 1", "Bridge 198.51.100.77:8443", `Bridge [2001:db8::7]:443 ${HEX}`),
    startTor(hash),
    startTor(hash, "CookieAuthentication 1"),
  ]);
});
afterAll(stopTors);
afterAll(expectNoClientLeft);

const HEX = "0123456789abcdef0123456789abcdef01234567";

async function versionOf(where: SocketAddress, options?: ControlOptions): Promise<string> {
  const connection = await ControlConnection.open(where, options);
  try {
    return await connection.version();
  } finally {
    await connection.close();
  }
}

/** Does it as a user who may not read what tor keeps for itself. */
async function asNobody<T>(action: () => Promise<T>): Promise<T> {
  process.seteuid!(NOBODY);
  try {
    return await action();
  } finally {
    process.seteuid!(0);
  }
}

const VERSION = /^\d+\.\d+\.\d+\.\d+/;

describe("authentication to the real tor", () => {
  it("needs nothing where nothing is configured, on TCP and on a unix socket", async () => {
    expect(await versionOf(open.tcp)).toMatch(VERSION);
    expect(await versionOf(open.unix, { password: "not asked for" })).toMatch(VERSION);
  });

  it("is done by SAFECOOKIE, and the cookie itself is not sent", async () => {
    const seen: string[] = [];
    const proxy = await proxyTo(cookie.tcp, (text) => {
      seen.push(text);
      return text;
    });
    expect(await versionOf(cookie.unix)).toMatch(VERSION);
    expect(await versionOf(proxy)).toMatch(VERSION);
    expect(seen.join("")).toContain("METHODS=COOKIE,SAFECOOKIE");
    expect(seen.join("")).toContain("AUTHCHALLENGE SERVERHASH=");
  });

  it("is done by the plain cookie where tor offers no more", async () => {
    const proxy = await proxyTo(cookie.tcp, (text) => text.replace("COOKIE,SAFECOOKIE", "COOKIE"));
    expect(await versionOf(proxy)).toMatch(VERSION);
  });

  it("is done by a password with any characters", async () => {
    expect(await versionOf(password.tcp, { password: 'pass "word" \\ é' })).toMatch(VERSION);
  });

  it("is done by the cookie or by the password where tor takes both", async () => {
    expect(await versionOf(both.tcp)).toMatch(VERSION);
    // Not by the cookie: that file is none.
    const options = { password: 'pass "word" \\ é', cookieFile: "/nowhere" };
    expect(await versionOf(both.tcp, options)).toMatch(VERSION);
  });

  it("fails on a wrong password, and on none, with what to do", async () => {
    const failure = { code: "LEEK_TOR_CONTROL_AUTHENTICATION", kind: "permission" };
    for (const options of [{ password: "wrong" }, { password: "" }]) {
      await expect(ControlConnection.open(password.tcp, options)).rejects.toMatchObject({
        ...failure,
        message: expect.stringContaining("the password is wrong"),
        hint: expect.stringContaining("HashedControlPassword"),
      });
    }
    await expect(ControlConnection.open(password.tcp)).rejects.toMatchObject({
      ...failure,
      message: expect.stringContaining("it wants a password"),
      hint: expect.stringContaining("HashedControlPassword"),
    });
  });

  it("fails for who may not read the cookie, or may not open the socket, and names the group", async () => {
    await expect(asNobody(() => ControlConnection.open(cookie.tcp))).rejects.toMatchObject({
      code: "LEEK_TOR_CONTROL_AUTHENTICATION",
      kind: "permission",
      message: expect.stringContaining(`no permission to read its cookie ${cookie.directory}/control_auth_cookie`),
      hint: expect.stringContaining("debian-tor"),
    });
    await expect(asNobody(() => ControlConnection.open(cookie.unix))).rejects.toMatchObject({
      code: "LEEK_TOR_CONTROL_PERMISSION",
      kind: "permission",
      hint: expect.stringContaining("debian-tor"),
    });
  });

  it("fails when the cookie is that of another tor, and nothing is sent", async () => {
    const cookieFile = join(both.directory, "control_auth_cookie");
    await expect(ControlConnection.open(cookie.tcp, { cookieFile })).rejects.toMatchObject({
      code: "LEEK_TOR_CONTROL_AUTHENTICATION",
      message: expect.stringContaining("does not know the content of its own cookie file"),
    });
    const proxy = await proxyTo(cookie.tcp, (text) => text.replace("COOKIE,SAFECOOKIE", "COOKIE"));
    await expect(ControlConnection.open(proxy, { cookieFile })).rejects.toMatchObject({
      code: "LEEK_TOR_CONTROL_AUTHENTICATION",
      message: expect.stringContaining("515 Authentication failed"),
    });
  });
});

describe("what the real tor tells", () => {
  let connection: ControlConnection;
  beforeAll(async () => {
    connection = await ControlConnection.open(cookie.tcp);
  });
  afterAll(() => connection.close());

  it("has no consensus before it fetched one", async () => {
    expect(await connection.consensus("microdesc")).toBeUndefined();
    expect(await connection.consensus("ns")).toBeUndefined();
  });

  it.each([
    ["ns", "cached-consensus", "consensus"],
    ["microdesc", "cached-microdesc-consensus", "consensus-microdesc"],
  ] as const)("is the consensus of flavor %s, byte for byte", async (flavor, name, fixture) => {
    const document = readFileSync(`${FIXTURES}${fixture}`);
    writeFileSync(join(cookie.directory, name), document);
    expect((await connection.consensus(flavor))?.equals(document)).toBe(true);
    rmSync(join(cookie.directory, name));
  });

  it("is a document of any text and several megabytes, byte for byte", async () => {
    const file = join(cookie.directory, "cached-consensus");
    const lines = fc.array(fc.string({ unit: fc.constantFrom(".", "..", "a", "250 OK", " ", "\t"), maxLength: 4 }), {
      minLength: 2,
      maxLength: 9,
    });
    const check = async (document: string) => {
      writeFileSync(file, document);
      expect((await connection.consensus("ns"))?.toString("latin1")).toBe(document);
    };
    await fc.assert(
      fc.asyncProperty(lines, (texts) => check(`${texts.join("\n")}\n`)),
      { numRuns: 50 },
    );
    await check(`.\n${"m AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg\n".repeat(100_000)}`);
    rmSync(file);
  });

  it("is nothing but its bridges while its network is off", async () => {
    expect(await connection.orConnections()).toEqual([]);
    const guards = await connection.entryGuards();
    // The bridges, in an order of tor's choice; it knows one by its address only.
    expect(guards).toHaveLength(2);
    for (const fingerprint of [undefined, HEX.toUpperCase()]) {
      expect(guards).toContainEqual({ fingerprint, nickname: undefined, status: "never-connected", since: undefined });
    }
    expect(await connection.socksListeners()).toEqual([]);
    expect(await connection.bridges()).toMatchObject([
      { port: 8443, fingerprint: undefined },
      { port: 443, fingerprint: HEX.toUpperCase() },
    ]);
    const other = await ControlConnection.open(open.tcp);
    expect(await other.bridges()).toEqual([]);
    await other.close();
  });
});
