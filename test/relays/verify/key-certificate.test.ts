import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { looksLikeKeyCertificate, parseKeyCertificates } from "../../../src/relays/index.js";
import { makeAuthority, makeCertificate, object, sign } from "../signed-documents.js";

const one = makeAuthority("one");
const two = makeAuthority("two");
const CERTIFICATE = makeCertificate(one);

function parse(text: string) {
  return parseKeyCertificates(Buffer.from(text, "latin1"));
}

describe("a key certificate", () => {
  it("says whose it is, which key signs, and for how long", () => {
    const { certificates, rejected } = parse(CERTIFICATE);
    expect(rejected).toEqual([]);
    expect(certificates).toEqual([
      {
        identity: one.v3Identity,
        signingKey: { key: expect.anything(), digest: one.signingKeyDigest },
        published: Date.UTC(2026, 0, 1) / 1000,
        expires: Date.UTC(2027, 0, 1) / 1000,
        text: CERTIFICATE,
      },
    ]);
  });

  it("may be one of many, with annotations and anything else between them", () => {
    const text = `@type dir-key-certificate-3 1.0\n${CERTIFICATE}@source somewhere\nwhat\n${makeCertificate(two)}`;
    expect(looksLikeKeyCertificate(Buffer.from(text))).toBe(true);
    expect(parse(text).certificates.map(({ identity }) => identity)).toEqual([one.v3Identity, two.v3Identity]);
  });

  it("is rejected alone when it is damaged", () => {
    const cut = CERTIFICATE.slice(0, -100);
    const { certificates, rejected } = parse(`${cut}\n${makeCertificate(two)}`);
    expect(certificates.map(({ identity }) => identity)).toEqual([two.v3Identity]);
    expect(rejected).toEqual(["certificate 1: dir-key-certification has no object that can be read"]);
  });

  it("is rejected when another identity signed it, or it belongs to another one", () => {
    const theft = CERTIFICATE.replace(one.v3Identity, two.v3Identity);
    expect(parse(theft).rejected).toEqual(["certificate 1: its fingerprint is not its identity key's"]);
    // One's certificate with two's signing key, signed anew by nobody who may.
    const forged = makeCertificate({ ...one, identityKey: two.identityKey });
    expect(parse(forged).rejected).toEqual(["certificate 1: it is not signed by its identity key"]);
  });

  it("is rejected when its signing key has not signed the identity: somebody else's key cannot be claimed", () => {
    const claimed = makeCertificate({ ...one, signingPublicKey: two.signingPublicKey });
    expect(parse(claimed).rejected).toEqual(["certificate 1: its signing key has not signed its identity key"]);
  });

  it("takes the other label of the cross-certification", () => {
    const head = CERTIFICATE.slice(0, CERTIFICATE.indexOf("dir-key-crosscert"));
    expect(head).toContain("dir-signing-key");
    const relabelled = makeCertificate(one).replaceAll("ID SIGNATURE", "SIGNATURE");
    // The label is signed too.
    expect(parse(relabelled).rejected).toEqual(["certificate 1: it is not signed by its identity key"]);
    const body = relabelled.slice(0, relabelled.indexOf("dir-key-certification"));
    const signed = `${body}dir-key-certification\n`;
    const digest = Buffer.from(sha1(signed), "hex");
    expect(parse(signed + object("SIGNATURE", sign(digest, one.identityKey))).certificates).toHaveLength(1);
  });

  it.each([
    ["dir-key-published 2026-01-01 00:00:00", "dir-key-published soon", "its times cannot be read"],
    ["dir-key-certificate-version 3", "dir-key-certificate-version 4", "its version is not 3"],
    ["dir-key-published", "dir-key-expires 2027-01-01 00:00:00\ndir-key-published", "a second dir-key-expires"],
    [
      "-----BEGIN RSA PUBLIC KEY-----\n",
      "-----BEGIN RSA PUBLIC KEY-----\n!\n",
      "dir-identity-key has no object that can be read",
    ],
    ["dir-key-crosscert", "dir-key-crosscart", "a key or a signature is missing"],
  ])("is rejected with %j for %j", (from, to, reason) => {
    expect(parse(CERTIFICATE.replace(from, to)).rejected).toEqual([`certificate 1: ${reason}`]);
  });

  it("is rejected with any byte of it changed, but for what no signature covers", () => {
    const bytes = Buffer.from(CERTIFICATE, "latin1");
    const end = bytes.indexOf("\ndir-key-certification\n") + 1;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: end - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= change;
        expect(parseKeyCertificates(changed).certificates).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  it("is what no bytes are by chance, and none take long to read", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect(parseKeyCertificates(bytes).certificates).toEqual([]);
      }),
    );
    const start = performance.now();
    const { rejected } = parse("dir-key-certificate-version 3\n".repeat(200_000));
    expect(rejected).toHaveLength(10_001);
    expect(performance.now() - start).toBeLessThan(2000);
    const endless = `dir-key-certificate-version 3\ndir-identity-key\n-----BEGIN RSA PUBLIC KEY-----\n${"A".repeat(1e7)}`;
    expect(parse(endless).rejected).toEqual(["certificate 1: dir-identity-key has no object that can be read"]);
    expect(performance.now() - start).toBeLessThan(4000);
  });
});

function sha1(text: string): string {
  return createHash("sha1").update(text, "latin1").digest("hex");
}
