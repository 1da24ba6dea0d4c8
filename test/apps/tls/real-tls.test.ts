import { Duplex } from "node:stream";
import { connect, type SecureVersion, TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import { tls } from "../../../src/apps/tls/index.js";
import { type Identity, makeIdentity } from "../../download/tls-server.js";
import { run } from "../../support/leek.js";
import { detailsOf, disclosed, overTcp, type Said } from "../conversation.js";
import { factsOfCapture } from "./capture-facts.js";

/** What both sides of a handshake within this process say, in order. */
async function handshake(version: SecureVersion, { key, cert }: Identity, client?: Identity): Promise<Said[]> {
  const said: Said[] = [];
  const ends: Duplex[] = [];
  for (const side of [0, 1] as const) {
    ends[side] = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        said.push([side, Uint8Array.from(chunk)]);
        ends[1 - side]!.push(chunk);
        done();
      },
    });
  }
  const versions = { minVersion: version, maxVersion: version, rejectUnauthorized: false };
  const server = new TLSSocket(ends[1]!, { ...versions, key, cert, isServer: true, requestCert: client !== undefined });
  const socket = connect({ ...versions, ...client, socket: ends[0]!, servername: "www.example.com" });
  const heard = new Promise((resolve) => server.once("data", resolve));
  socket.write("hello");
  await heard;
  socket.destroy();
  server.destroy();
  return said;
}

describe("a handshake of OpenSSL", () => {
  let identity: Identity;
  let client: Identity;
  beforeAll(() => {
    identity = makeIdentity("DNS:a.example", "DNS:*.b.example", "IP:192.0.2.1");
    client = makeIdentity("DNS:laptop.home.example");
  });

  it.each([Infinity, 1])("of TLS 1.2 shows the certificate's names, in segments of %d bytes", async (size) => {
    const facts = overTcp([tls], await handshake("TLSv1.2", identity), size);
    expect(detailsOf(facts)).toMatchObject({
      version: "TLS 1.2",
      offeredVersion: "TLS 1.2",
      serverName: "www.example.com",
      certificateNames: ["leek", "a.example", "*.b.example"],
      certificateIssuer: "leek",
    });
    expect(disclosed(facts)).toEqual(
      expect.arrayContaining([
        "certificate-name: leek",
        "certificate-name: a.example",
        "certificate-name: *.b.example",
      ]),
    );
    expect(facts?.names[1]).toEqual({ name: "leek", source: "certificate" });
  });

  it.each([Infinity, 1])("of TLS 1.2 shows the client's certificate too, in segments of %d bytes", async (size) => {
    const facts = overTcp([tls], await handshake("TLSv1.2", identity, client), size);
    expect(detailsOf(facts)).toMatchObject({
      certificateNames: ["leek", "a.example", "*.b.example"],
      clientCertificateNames: ["leek", "laptop.home.example"],
    });
    expect(disclosed(facts)).toContain("certificate-name: laptop.home.example");
    // It is no name of the remote side.
    expect(facts?.names.map(({ name }) => name)).not.toContain("laptop.home.example");
  });

  it("of TLS 1.3 shows no certificate", async () => {
    const facts = overTcp([tls], await handshake("TLSv1.3", identity, client));
    expect(detailsOf(facts)).toMatchObject({ version: "TLS 1.3", serverName: "www.example.com" });
    expect(disclosed(facts).filter((it) => it.startsWith("certificate"))).toEqual([]);
  });

  it("may break off anywhere, and be damaged anywhere in the certificate", async () => {
    const said = await handshake("TLSv1.2", identity);
    const [, bytes] = said.find(([side]) => side === 1)!;
    for (let at = 0; at < bytes.length; at++) {
      overTcp([tls], [[1, bytes.slice(0, at)]]);
      const damaged = Buffer.from(bytes as Uint8Array);
      damaged[at]! ^= 0x80;
      overTcp([tls], [[1, damaged]]);
    }
  });
});

const FIXTURES = new URL("../../../fixtures/", import.meta.url).pathname;

/** What tshark reads in hellos of TLS, by the ports of client and server. */
function tsharkHellos(path: string): Map<string, Record<string, unknown>> {
  const fields = [
    ...["tcp.srcport", "tcp.dstport", "tls.handshake.type", "tls.handshake.extensions_server_name"],
    ...["tls.handshake.extensions_alpn_str", "tls.handshake.extensions.supported_version", "tls.handshake.ciphersuite"],
  ];
  const filter = "tls.handshake.type in {1, 2}";
  const args = ["-n", "-r", path, "-Y", filter, "-T", "fields", ...fields.flatMap((field) => ["-e", field])];
  const found = new Map<string, Record<string, unknown>>();
  for (const line of run("tshark", args)
    .stdout.split("\n")
    .filter((it) => it !== "")) {
    const [source, destination, type, serverName, alpn, version, cipher] = line.split("\t");
    const flow = type === "1" ? `${source}>${destination}` : `${destination}>${source}`;
    const known = found.get(flow) ?? {};
    found.set(flow, known);
    if (type === "1") {
      known.serverName = serverName;
      if (alpn !== "") known.alpn = alpn!.split(",");
    } else {
      known.version = version === "0x0304" ? "TLS 1.3" : version;
      known.cipherSuite = cipher!.slice(2);
    }
  }
  return found;
}

describe("flows of real captures", () => {
  it.each([
    ...["any-interface", "bridge", "ipv6-guard", "mid-stream", "only-tor", "relay-other-port", "truncated"],
    ...["tor-and-bitcoin-leak", "tor-and-dns-leak", "tor-and-http-leak", "tor-and-https-leak", "tor-and-ping-ntp-leak"],
  ])("say what tshark reads: %s", async (name) => {
    const path = `${FIXTURES}${name}.pcap`;
    const expected = tsharkHellos(path);
    const found = await factsOfCapture(path, { streams: [tls], datagrams: [] });
    const said = new Map(
      [...found]
        .filter(([, { by }]) => by === "content")
        .map(([flow, { details }]) => {
          const told = ["serverName", "alpn", "version", "cipherSuite"].filter((key) => details.has(key));
          return [flow, Object.fromEntries(told.map((key) => [key, details.get(key)]))];
        }),
    );
    expect(expected.size).toBeGreaterThan(0);
    expect(said).toEqual(expected);
    const ofTor = [...found.values()].filter(({ details }) => details.has("ja4") && !details.has("alpn"));
    // Computed from what tshark shows, of tor 0.4.9 with OpenSSL 3.0.
    expect(new Set(ofTor.map(({ details }) => details.get("ja4")))).toEqual(
      new Set(["t13d181100_796efca44d18_d41ae481755e"]),
    );
  });

  it("are TLS by shape where they began before the capture", async () => {
    const found = await factsOfCapture(`${FIXTURES}mid-stream.pcap`, { streams: [tls], datagrams: [] });
    expect([...found.values()].map(({ protocol, by }) => `${protocol} ${by}`).sort()).toEqual([
      "tls content",
      "tls shape",
      "tls shape",
    ]);
  });

  it("are TLS where a snaplen leaves too little for names", async () => {
    const found = await factsOfCapture(`${FIXTURES}snaplen-96.pcap`, { streams: [tls], datagrams: [] });
    expect(found.size).toBeGreaterThan(0);
    for (const facts of found.values()) {
      expect([facts.protocol, facts.by]).toEqual(["tls", "content"]);
      expect(disclosed(facts)).toEqual([]);
    }
  });
});
