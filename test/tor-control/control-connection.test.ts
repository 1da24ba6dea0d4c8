import { getEventListeners } from "node:events";
import { chmodSync, linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { formatEndpoint, formatIpAddress } from "../../src/net/index.js";
import { ControlConnection, type ControlOptions, type OrConnection } from "../../src/tor-control/index.js";
import { drip, pour } from "../support/endless-writes.js";
import { type Answer, clientsGone, expectNoClientLeft, fakeTor, listen, NULL_AUTH, OK } from "./fake-tor.js";

afterEach(expectNoClientLeft);

const FP = "0123456789ABCDEF0123456789ABCDEF01234567";
const OTHER = "FEDCBA9876543210FEDCBA9876543210FEDCBA98";
const NO_SUCH_KEY = '552 Unrecognized key "x"\r\n';

/** What `question` gets from a tor that answers so. */
async function ask<T>(script: Record<string, Answer>, question: (tor: ControlConnection) => Promise<T>): Promise<T> {
  const { where } = await fakeTor(script);
  const tor = await ControlConnection.open(where, { replyTimeoutMs: 2000 });
  try {
    return await question(tor);
  } finally {
    await tor.close();
  }
}

describe("OR connections", () => {
  const GETCONF_NONE = "250-UseBridges=0\r\n250 Bridge\r\n";
  const router = (fingerprint: string, ...lines: string[]) => ({
    [`GETINFO ns/id/${fingerprint}`]: `250+ns/id/${fingerprint}=\r\n${lines.map((line) => `${line}\r\n`).join("")}.\r\n250 OK\r\n`,
  });
  const ROUTER = "r relay ASNFZ4mrze8BI0VniavN7wEjRWc AAAA 2038-01-01 00:00:00 198.51.100.22 443 0";

  const connections = async (status: string, script: Record<string, Answer> = {}) => {
    const answers = {
      GETCONF: GETCONF_NONE,
      "GETINFO orconn-status": status,
      "GETINFO ns/id/": NO_SUCH_KEY,
      ...script,
    };
    return (await ask(answers, (tor) => tor.orConnections())).map(text);
  };
  const text = ({ status, fingerprint, nickname, endpoints }: OrConnection) => [
    status,
    fingerprint,
    nickname,
    ...endpoints.map(
      ({ address, port, source }) => `${formatEndpoint({ address: formatIpAddress(address), port })} ${source}`,
    ),
  ];

  it("are none, or one on the line itself", async () => {
    expect(await connections("250-orconn-status=\r\n250 OK\r\n")).toEqual([]);
    expect(await connections(`250-orconn-status=$${FP}~relay CONNECTED\r\n250 OK\r\n`)).toEqual([
      ["CONNECTED", FP, "relay"],
    ]);
  });

  it("have all addresses of their relay", async () => {
    const lines = [`$${FP}~relay CONNECTED`, `$${OTHER} LAUNCHED`, `$${FP}~relay NEW`];
    const status = `250+orconn-status=\r\n${lines.join("\r\n")}\r\n.\r\n250 OK\r\n`;
    const listed = ["198.51.100.22:443 consensus", "[2001:db8::22]:4443 consensus"];
    expect(await connections(status, router(FP, ROUTER, "a [2001:db8::22]:4443", "s Fast", "w Bandwidth=0"))).toEqual([
      ["CONNECTED", FP, "relay", ...listed],
      ["LAUNCHED", OTHER, undefined],
      ["NEW", FP, "relay", ...listed],
    ]);
  });

  it("have the address that tor names, in any form", async () => {
    const lines = ["198.51.100.7:9001 NEW", "2001:db8::7:443 CONNECTED", "[2001:db8::8]:443 NEW"];
    expect(await connections(`250+orconn-status=\r\n${lines.join("\r\n")}\r\n.\r\n250 OK\r\n`)).toEqual([
      ["NEW", undefined, undefined, "198.51.100.7:9001 reported"],
      ["CONNECTED", undefined, undefined, "[2001:db8::7]:443 reported"],
      ["NEW", undefined, undefined, "[2001:db8::8]:443 reported"],
    ]);
  });

  it("have the address of their bridge, and without fingerprints those of all that may be it", async () => {
    const SNOWFLAKE = "2B280B23E1107BB62ABFC40DDCC8824814F80A72";
    const names = [`$${FP}~one`, `$${OTHER}~two`, `$${SNOWFLAKE}~three`];
    const status = `250+orconn-status=\r\n${names.map((name) => `${name} CONNECTED\r\n`).join("")}.\r\n250 OK\r\n`;
    const bridges = [
      `obfs4 198.51.100.7:9443 ${FP} cert=a iat-mode=0`,
      "198.51.100.8:443",
      "[2001:db8::9]:444",
      `snowflake 192.0.2.3:80 ${SNOWFLAKE} url=https://example.com`,
    ];
    const lines = ["UseBridges=1", ...bridges.map((bridge) => `Bridge=${bridge}`)];
    const getconf = lines.map((line, index) => `250${index < lines.length - 1 ? "-" : " "}${line}\r\n`).join("");
    expect(await connections(status, { GETCONF: getconf })).toEqual([
      ["CONNECTED", FP, "one", "198.51.100.7:9443 bridge"],
      [
        "CONNECTED",
        OTHER,
        "two",
        "198.51.100.8:443 bridge-without-fingerprint",
        "[2001:db8::9]:444 bridge-without-fingerprint",
      ],
      // The address of such a line is never on the wire.
      ["CONNECTED", SNOWFLAKE, "three"],
    ]);
    // A relay of the consensus may be used as a bridge, at another address even.
    const listed = router(FP, ROUTER);
    expect((await connections(status, { GETCONF: getconf, ...listed }))[0]).toEqual([
      "CONNECTED",
      FP,
      "one",
      "198.51.100.7:9443 bridge",
      "198.51.100.22:443 consensus",
    ]);
  });

  it.each(["$12 CONNECTED", `$${FP}~relay`, `$${FP}~relay SLEEPING`, "198.51.100.7 NEW", "\x1b[2J NEW"])(
    "of the form %j are an error",
    async (line) => {
      await expect(connections(`250-orconn-status=${line}\r\n250 OK\r\n`)).rejects.toMatchObject({
        code: "LEEK_TOR_CONTROL_MALFORMED",
        message: expect.not.stringContaining("\x1b"),
      });
    },
  );
});

describe("other answers", () => {
  it("give entry guards with status and time", async () => {
    const unknown = `$${"0".repeat(40)} up`;
    const lines = [
      `$${FP}~relay up`,
      `$${OTHER} never-connected`,
      unknown,
      `${FP.toLowerCase()} down 2026-11-22 10:00:00`,
    ];
    const script = { "GETINFO entry-guards": `250+entry-guards=\r\n${lines.join("\r\n")}\r\n.\r\n250 OK\r\n` };
    expect(await ask(script, (tor) => tor.entryGuards())).toEqual([
      { fingerprint: FP, nickname: "relay", status: "up", since: undefined },
      { fingerprint: OTHER, nickname: undefined, status: "never-connected", since: undefined },
      { fingerprint: undefined, nickname: undefined, status: "up", since: undefined },
      { fingerprint: FP, nickname: undefined, status: "down", since: Date.UTC(2026, 10, 22, 10) / 1000 },
    ]);
  });

  it("give SOCKS listeners", async () => {
    const text = '"127.0.0.1:9050" "[::1]:9050" "unix:/run/tor/so\\"cks" 127.0.0.1:9150';
    const script = { "GETINFO net/listeners/socks": `250-net/listeners/socks=${text}\r\n250 OK\r\n` };
    expect(await ask(script, (tor) => tor.socksListeners())).toEqual([
      { host: "127.0.0.1", port: 9050 },
      { host: "::1", port: 9050 },
      { path: '/run/tor/so"cks' },
      { host: "127.0.0.1", port: 9150 },
    ]);
  });

  it("give no bridges when UseBridges is off, and fail on a Bridge line that cannot be read", async () => {
    const off = "250-UseBridges=0\r\n250 Bridge=198.51.100.7:443\r\n";
    expect(await ask({ GETCONF: off }, (tor) => tor.bridges())).toEqual([]);
    const bad = "250-UseBridges=1\r\n250 Bridge=nonsense\r\n";
    await expect(ask({ GETCONF: bad }, (tor) => tor.bridges())).rejects.toMatchObject({
      code: "LEEK_BRIDGE_MALFORMED",
    });
  });

  it.each(["551 Could not open cached consensus.\r\n", NO_SUCH_KEY])("give no consensus on %j", async (answer) => {
    expect(await ask({ GETINFO: answer }, (tor) => tor.consensus("ns"))).toBeUndefined();
  });

  it("are an error where tor or a filter before it refuses, and the connection can be used on", async () => {
    const script = {
      "GETINFO version": "510 Command filtered\r\n",
      "GETINFO entry-guards": "250-entry-guards=\r\n250 OK\r\n",
    };
    await ask(script, async (tor) => {
      await expect(tor.version()).rejects.toMatchObject({
        code: "LEEK_TOR_CONTROL_REFUSED",
        message: expect.stringContaining("510 Command filtered"),
      });
      expect(await tor.entryGuards()).toEqual([]);
    });
  });

  it("come in order when several are asked for at once", async () => {
    const script = {
      "GETINFO version": (socket: { write(text: string): unknown }) =>
        setTimeout(() => socket.write("650 NOTICE x\r\n250-version=1\r\n250 OK\r\n"), 30),
      "GETINFO entry-guards": "250-entry-guards=\r\n250 OK\r\n",
      GETCONF: "250-UseBridges=0\r\n250 Bridge\r\n",
    };
    expect(await ask(script, (tor) => Promise.all([tor.version(), tor.entryGuards(), tor.bridges()]))).toEqual([
      "1",
      [],
      [],
    ]);
  });

  it("are an error when the key is another", async () => {
    await expect(ask({ GETINFO: "250-other=1\r\n250 OK\r\n" }, (tor) => tor.version())).rejects.toMatchObject({
      code: "LEEK_TOR_CONTROL_MALFORMED",
      message: expect.stringContaining("lacks the key"),
    });
  });
});

describe("cookies that a stranger names", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "leek-cookie-"));
    chmodSync(folder, 0o700);
    writeFileSync(join(folder, "hsm_secret"), SECRET);
    writeFileSync(join(folder, "cookie"), SECRET);
    linkSync(join(folder, "cookie"), join(folder, "secret"));
    symlinkSync(join(folder, "hsm_secret"), join(folder, "link_cookie"));
    symlinkSync(join(folder, "nothing"), join(folder, "broken_cookie"));
    writeFileSync(join(folder, "short_cookie"), SECRET.subarray(1));
    writeFileSync(join(folder, "long_cookie"), Buffer.concat([SECRET, SECRET]));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const SECRET = Buffer.alloc(32, 0xab);

  async function open(methods: string, file: string, options: ControlOptions = {}) {
    const { where, commands } = await fakeTor({
      PROTOCOLINFO: `250-PROTOCOLINFO 1\r\n250-AUTH METHODS=${methods} COOKIEFILE="${file}"\r\n250 OK\r\n`,
      AUTHCHALLENGE: `250 AUTHCHALLENGE SERVERHASH=${"0".repeat(64)} SERVERNONCE=${"1".repeat(64)}\r\n`,
    });
    const result = await ControlConnection.open(where, options).then(
      (tor) => tor.close().then(() => "opened"),
      (error) => error,
    );
    await clientsGone();
    return { result, sent: commands.join("\n") };
  }

  it("are sent where plain COOKIE is all there is and the name is a cookie's", async () => {
    const { result, sent } = await open("COOKIE", join(folder, "cookie"));
    expect(result).toBe("opened");
    expect(sent).toContain(`AUTHENTICATE ${SECRET.toString("hex")}`);
  });

  it.each([
    ["hsm_secret", "not named like a cookie"],
    ["secret", "not named like a cookie"],
    ["link_cookie", "not named like a cookie"],
    ["broken_cookie", "is not here"],
    ["no_cookie", "is not here"],
    ["short_cookie", "has not the 32 bytes"],
    ["long_cookie", "has not the 32 bytes"],
    [".", "is no plain file"],
  ])("are not sent when it is %s", async (name, problem) => {
    const { result, sent } = await open("COOKIE", join(folder, name));
    expect(result).toMatchObject({
      code: "LEEK_TOR_CONTROL_AUTHENTICATION",
      kind: "configuration",
      message: expect.stringContaining(problem),
      hint: expect.stringContaining("cookie"),
    });
    expect(sent).toBe("PROTOCOLINFO 1\nQUIT");
  });

  it.each(["/dev/zero", "relative/cookie", "/a\\000b/cookie"])("%s are none", async (file) => {
    for (const methods of ["COOKIE", "SAFECOOKIE"]) {
      const { result, sent } = await open(methods, file);
      expect(result).toMatchObject({ code: "LEEK_TOR_CONTROL_AUTHENTICATION" });
      expect(sent).toBe("PROTOCOLINFO 1\nQUIT");
    }
  });

  it("are proven to nobody who does not know them", async () => {
    const { result, sent } = await open("COOKIE,SAFECOOKIE", join(folder, "cookie"));
    expect(result).toMatchObject({
      code: "LEEK_TOR_CONTROL_AUTHENTICATION",
      message: expect.stringContaining("nothing was sent"),
    });
    expect(sent).toMatch(/^PROTOCOLINFO 1\nAUTHCHALLENGE SAFECOOKIE [0-9a-f]{64}\nQUIT$/);
    expect(sent).not.toContain(SECRET.toString("hex"));
  });

  it("are not sent when the user names the file and it is none", async () => {
    const { result } = await open("SAFECOOKIE", join(folder, "cookie"), { cookieFile: join(folder, "nothing") });
    expect(result).toMatchObject({ message: expect.stringContaining(`${folder}/nothing is not here`) });
  });

  it("are no help where tor wants something else", async () => {
    const { result } = await open("FUTURE", join(folder, "cookie"));
    expect(result).toMatchObject({ kind: "configuration", message: expect.stringContaining("no way that leek knows") });
  });
});

describe("a control port that is none, or not well", () => {
  const open = (where: { host: string; port: number }, options: ControlOptions = {}) =>
    ControlConnection.open(where, { connectTimeoutMs: 2000, replyTimeoutMs: 300, ...options });

  it("is said not to be there, and how to have one", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const failure = {
      code: "LEEK_TOR_CONTROL_UNREACHABLE",
      kind: "unavailable",
      hint: expect.stringContaining("ControlPort 9051"),
    };
    await expect(open({ host: "127.0.0.1", port })).rejects.toMatchObject({
      ...failure,
      message: `Cannot reach tor's control port at 127.0.0.1:${port}: nobody listens there.`,
    });
    await expect(ControlConnection.open({ path: "/nowhere/control" })).rejects.toMatchObject({
      ...failure,
      message: "Cannot reach tor's control port at unix:/nowhere/control: there is no such socket.",
    });
  });

  it("is given up when it takes no connection", async () => {
    // A queue that nobody empties: the kernel lets further connections wait.
    const worker = new Worker(
      `const { parentPort } = require("node:worker_threads");
       const server = require("node:net").createServer();
       server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
         parentPort.postMessage(server.address().port);
         setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 20);
       });`,
      { eval: true },
    );
    const fillers: Socket[] = [];
    try {
      const port = await new Promise<number>((resolve) => worker.once("message", resolve));
      await new Promise((resolve) => setTimeout(resolve, 100));
      for (let count = 0; count < 8; count++) fillers.push(connect(port, "127.0.0.1").on("error", () => {}));
      await new Promise((resolve) => setTimeout(resolve, 100));
      await expect(open({ host: "127.0.0.1", port }, { connectTimeoutMs: 200 })).rejects.toMatchObject({
        code: "LEEK_TOR_CONTROL_UNREACHABLE",
        message: expect.stringContaining("did not answer within 0.2 s"),
      });
      const reason = new Error("enough");
      const soon = new AbortController();
      setTimeout(() => soon.abort(reason), 30);
      await expect(open({ host: "127.0.0.1", port }, { signal: soon.signal })).rejects.toBe(reason);
    } finally {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    }
  });

  it.each([
    ["a web server", "HTTP/1.1 400 Bad Request\r\n\r\n", '"HTTP/1.1 400 Bad Request" is no line of a reply'],
    ["a mail server", "220 mail.example.com ESMTP\r\n", 'it answered "220 mail.example.com ESMTP"'],
    ["bytes", "\x00\x01\xff\n", "is no line of a reply"],
    ["a line without end", "x".repeat(100_000), "a line is longer than"],
  ])("is said to be none when it is %s", async (_name, greeting, problem) => {
    const where = await listen((socket) => socket.write(greeting, "latin1"));
    await expect(open(where)).rejects.toMatchObject({
      code: "LEEK_TOR_CONTROL_NOT_TOR",
      kind: "unavailable",
      message: expect.stringContaining(problem),
      hint: expect.stringContaining("9051"),
    });
  });

  it("is said to be none when it closes at once", async () => {
    await expect(open(await listen((socket) => socket.end()))).rejects.toMatchObject({
      code: "LEEK_TOR_CONTROL_NOT_TOR",
      message: expect.stringContaining("closed the connection without an answer"),
    });
  });

  it.each([
    ["says nothing", () => {}],
    ["is slow without end", (socket: Parameters<typeof drip>[0]) => drip(socket, "250-a\r\n", 10)],
    ["sends events only", (socket: Parameters<typeof drip>[0]) => drip(socket, "650 NOTICE a\r\n", 10)],
  ])("is given up when it %s", async (_name, serve) => {
    const start = performance.now();
    await expect(open(await listen(serve))).rejects.toMatchObject({
      code: "LEEK_TOR_CONTROL_TIMEOUT",
      message: expect.stringContaining("no full answer within 0.3 s"),
    });
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it.each([
    ["data without end", "250+x=\r\n", `${"y".repeat(1000)}\r\n`.repeat(50)],
    ["lines without end", "", "250-\r\n".repeat(1000)],
    ["a line without end", "250 ", "z".repeat(50_000)],
  ])("is left when it sends %s, with bounded memory", async (_name, start, piece) => {
    const { where } = await fakeTor({
      GETINFO: (socket) => {
        socket.write(start);
        return pour(socket, piece);
      },
    });
    const tor = await open(where, { replyTimeoutMs: 10_000 });
    await expect(tor.version()).rejects.toMatchObject({
      code: "LEEK_TOR_CONTROL_MALFORMED",
      kind: "bad-data",
      message: expect.stringMatching(/ (longer|more) than \d+ (bytes|lines)/),
    });
    // And so is every question after it.
    await expect(tor.entryGuards()).rejects.toMatchObject({ code: "LEEK_TOR_CONTROL_MALFORMED" });
    await tor.close();
  });

  it("is left when a consensus grows beyond 64 MiB", async () => {
    const line = `${"y".repeat(60_000)}\r\n`;
    const { where } = await fakeTor({
      GETINFO: (socket) => {
        socket.write("250+dir/status-vote/current/consensus=\r\n");
        return pour(socket, line.repeat(10));
      },
    });
    const tor = await open(where, { replyTimeoutMs: 20_000 });
    await expect(tor.consensus("ns")).rejects.toMatchObject({ message: expect.stringContaining("67108864 bytes") });
    await tor.close();
  });

  it("is said to have closed when it does so in the middle", async () => {
    for (const part of ["", "250-ver", "250-version=1\r\n", "250+version=\r\n0.4\r\n."]) {
      const { where } = await fakeTor({ GETINFO: (socket) => socket.end(part) });
      const tor = await open(where);
      await expect(tor.version()).rejects.toMatchObject({
        code: "LEEK_TOR_CONTROL_CLOSED",
        message: expect.stringContaining("closed the connection in the middle"),
      });
      await tor.close();
    }
    const { where } = await fakeTor({ GETINFO: (socket) => socket.resetAndDestroy() });
    const tor = await open(where);
    await expect(tor.version()).rejects.toMatchObject({ code: "LEEK_TOR_CONTROL_CLOSED" });
    await tor.close();
  });

  it("is left when it answers without being asked", async () => {
    const { where } = await fakeTor({ AUTHENTICATE: `${OK}${OK}` });
    await expect(open(where).then((tor) => tor.version().finally(() => tor.close()))).rejects.toMatchObject({
      code: "LEEK_TOR_CONTROL_MALFORMED",
      message: expect.stringContaining("without being asked"),
    });
  });

  it.each(["250 OK\r\n", "250 AUTHCHALLENGE SERVERHASH=00 SERVERNONCE=11\r\n"])(
    "is refused when its challenge is %j",
    async (challenge) => {
      const cookieFile = join(mkdtempSync(join(tmpdir(), "leek-cookie-")), "cookie");
      writeFileSync(cookieFile, Buffer.alloc(32));
      const { where } = await fakeTor({
        PROTOCOLINFO: "250-PROTOCOLINFO 1\r\n250-AUTH METHODS=SAFECOOKIE\r\n250 OK\r\n",
        AUTHCHALLENGE: challenge,
      });
      await expect(open(where, { cookieFile })).rejects.toMatchObject({ code: "LEEK_TOR_CONTROL_MALFORMED" });
      await expect(open(where)).rejects.toMatchObject({ message: expect.stringContaining("where its cookie is") });
      rmSync(join(cookieFile, ".."), { recursive: true });
    },
  );

  it("is left when the caller wishes, before, during and after the connection", async () => {
    const { where } = await fakeTor({ GETINFO: () => {} });
    const reason = new Error("enough");
    await expect(open(where, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const silent = await listen(() => {});
    const soon = new AbortController();
    setTimeout(() => soon.abort(reason), 30);
    await expect(open(silent, { signal: soon.signal, replyTimeoutMs: 5000 })).rejects.toBe(reason);
    const later = new AbortController();
    const tor = await open(where, { signal: later.signal, replyTimeoutMs: 5000 });
    setTimeout(() => later.abort(reason), 30);
    await expect(tor.version()).rejects.toBe(reason);
    await tor.close();
  });

  it("leaves no timer, no listener and no socket behind", async () => {
    const [set, clear] = [vi.spyOn(globalThis, "setTimeout"), vi.spyOn(globalThis, "clearTimeout")];
    const { where } = await fakeTor({ GETINFO: "250-version=1\r\n250 OK\r\n" });
    const { signal } = new AbortController();
    const tor = await open(where, { signal, replyTimeoutMs: 60_001, connectTimeoutMs: 60_002 });
    expect(await tor.version()).toBe("1");
    await tor.close();
    expect(getEventListeners(signal, "abort")).toEqual([]);
    const timers = set.mock.calls.flatMap(([, delay], index) =>
      delay === 60_001 || delay === 60_002 ? [set.mock.results[index]!.value] : [],
    );
    expect(timers).toHaveLength(4);
    expect(clear.mock.calls.map(([timer]) => timer)).toEqual(expect.arrayContaining(timers));
    vi.restoreAllMocks();
  });

  it("is left by close(), which ends a question and may come twice", async () => {
    const { where, commands } = await fakeTor({ PROTOCOLINFO: NULL_AUTH, GETINFO: () => {} });
    const tor = await open(where, { replyTimeoutMs: 5000 });
    const question = expect(tor.version()).rejects.toMatchObject({ code: "LEEK_TOR_CONTROL_CLOSED" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await tor.close();
    await tor.close();
    await question;
    await clientsGone();
    expect(commands).toEqual(["PROTOCOLINFO 1", "AUTHENTICATE", "GETINFO version", "QUIT"]);
  });
});
