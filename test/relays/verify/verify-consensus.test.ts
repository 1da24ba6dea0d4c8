import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AuthoritySet,
  type KeyCertificate,
  parseKeyCertificates,
  parseTorrc,
  verificationText,
  verifyConsensus,
} from "../../../src/relays/index.js";
import { FIXTURES } from "../../support/leek.js";
import { microdesc, ns } from "../documents.js";
import { authorityOf, makeAuthority, makeCertificate, signDocument, type TestAuthority } from "../signed-documents.js";

const AUTHORITIES = ["one", "two", "three", "four", "five"].map(makeAuthority);
const [one, two, three, four] = AUTHORITIES as [TestAuthority, TestAuthority, TestAuthority, TestAuthority];
const STRANGER = makeAuthority("stranger");
const KNOWN = AuthoritySet.of(AUTHORITIES.map(authorityOf));

function certificatesOf(...authorities: readonly TestAuthority[]): readonly KeyCertificate[] {
  return parseKeyCertificates(Buffer.from(authorities.map((it) => makeCertificate(it)).join(""))).certificates;
}

const CERTIFICATES = certificatesOf(...AUTHORITIES, STRANGER);

function verify(text: string, certificates = CERTIFICATES, known = KNOWN) {
  return verifyConsensus(Buffer.from(text, "latin1"), certificates, known);
}

function fixture(name: string): Buffer {
  return readFileSync(join(FIXTURES, "consensus", name));
}

describe("documents of a real network", () => {
  const torrc = parseTorrc(readFileSync(join(FIXTURES, "torrc-authorities"), "utf8"));
  const authorities = AuthoritySet.of(torrc.authorities);
  const { certificates, rejected } = parseKeyCertificates(fixture("cached-certs"));
  const names = ["2026-11-23-00-49-36-consensus", "2026-11-23-00-49-36-consensus-microdesc"];

  it("have certificates that hold", () => {
    expect(rejected).toEqual([]);
    expect(certificates.map(({ identity }) => identity).sort()).toEqual(
      torrc.authorities.map(({ v3Identity }) => v3Identity).sort(),
    );
  });

  it.each(names)("are verified: %s", (name) => {
    const verification = verifyConsensus(fixture(name), certificates, authorities);
    expect(verification).toEqual({ state: "verified", good: 3, needed: 2, authorities: 3 });
    const annotated = Buffer.concat([Buffer.from("@type network-status-consensus-3 1.0\n"), fixture(name)]);
    expect(verifyConsensus(annotated, certificates, authorities)).toEqual(verification);
  });

  it.each(names)("are not, with any byte of what is signed changed: %s", (name) => {
    const bytes = fixture(name);
    const end = bytes.indexOf("\ndirectory-signature ") + "\ndirectory-signature ".length;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: end - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= change;
        expect(stateOf(() => verifyConsensus(changed, certificates, authorities))).not.toBe("verified");
      }),
      { numRuns: 2000 },
    );
  });

  it.each(names)("are not, with a byte less or more in what is signed: %s", (name) => {
    const bytes = fixture(name);
    const end = bytes.indexOf("\ndirectory-signature ");
    fc.assert(
      fc.property(fc.integer({ min: 1, max: end }), fc.boolean(), (at, isMore) => {
        const changed = isMore
          ? Buffer.concat([bytes.subarray(0, at), bytes.subarray(at - 1)])
          : Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
        expect(stateOf(() => verifyConsensus(changed, certificates, authorities))).not.toBe("verified");
      }),
      { numRuns: 500 },
    );
  });

  it("are unverified for the public network's authorities, who did not sign them", () => {
    const verification = verifyConsensus(fixture(names[0]!), certificates, AuthoritySet.builtIn());
    expect(verification).toMatchObject({ state: "unverified", good: 0, needed: 5, authorities: 9 });
  });
});

describe("a consensus", () => {
  it.each([
    ["microdesc", signDocument(microdesc(), [one, two, three], "sha256")],
    ["ns", signDocument(ns(), [one, two, three], "sha1")],
  ])("is verified when more than half of the known authorities signed it: %s", (_, text) => {
    expect(verify(text)).toEqual({ state: "verified", good: 3, needed: 3, authorities: 5 });
  });

  it("is not when half of them did, however many strangers signed too", () => {
    const text = signDocument(microdesc(), [one, two, STRANGER, makeAuthority("other")], "sha256");
    expect(verify(text)).toEqual({
      state: "invalid",
      good: 2,
      needed: 3,
      authorities: 5,
      reason: "2 authorities of 5 signed it, and 3 are needed",
    });
  });

  it("counts each authority once, though it signed twice", () => {
    const text = signDocument(microdesc(), [one, one, one, two], "sha256");
    expect(verify(text)).toMatchObject({ state: "invalid", good: 2 });
  });

  it("counts the authorities that leek knows, not those that the document names", () => {
    const text = signDocument(microdesc(), [one], "sha256");
    expect(verify(text, CERTIFICATES, AuthoritySet.of([authorityOf(one)])).state).toBe("verified");
    expect(verify(text).state).toBe("invalid");
  });

  it("is unverified while certificates are missing with which it could be verified", () => {
    const text = signDocument(microdesc(), [one, two, three], "sha256");
    expect(verify(text, certificatesOf(one, two))).toEqual({
      state: "unverified",
      good: 2,
      needed: 3,
      authorities: 5,
      reason: "the key certificates of 1 authority are missing",
    });
    expect(verify(text, [])).toMatchObject({ state: "unverified", good: 0 });
  });

  it("is verified though an authority's certificate is missing, or its signature wrong, when enough others signed", () => {
    const text = signDocument(microdesc(), AUTHORITIES, "sha256");
    expect(verify(text, certificatesOf(one, two, three))).toMatchObject({ state: "verified", good: 3 });
    const swapped = swapSignatures(text, 0, 1);
    expect(verify(swapped)).toMatchObject({ state: "verified", good: 3 });
  });

  it("is invalid when signatures were swapped", () => {
    const text = swapSignatures(signDocument(microdesc(), [one, two, three, four], "sha256"), 0, 1);
    expect(verify(text)).toMatchObject({
      state: "invalid",
      good: 2,
      reason: "the signatures of 2 authorities do not fit, so it was changed",
    });
  });

  it("is judged by certificates that held at its time, whenever it is looked at", () => {
    const text = signDocument(microdesc(), [one, two, three], "sha256");
    const dated = (times: object) =>
      parseKeyCertificates(Buffer.from([one, two, three].map((it) => makeCertificate(it, times)).join("")))
        .certificates;
    expect(verify(text, dated({ published: "2026-11-22 10:00:00" })).state).toBe("verified");
    expect(verify(text, dated({ expires: "2026-11-22 10:00:00" })).state).toBe("verified");
    for (const times of [{ published: "2026-11-22 10:00:01" }, { expires: "2026-11-22 09:59:59" }]) {
      const verification = verify(text, dated(times));
      expect(verification.state).toBe("invalid");
      expect(verificationText(verification)).toBe(
        "invalid (0 of 5): 3 authorities of 5 signed it, and 3 are needed; the key certificates of 3 authorities did not hold at that time",
      );
    }
    // Of several certificates of a key, the one that held.
    expect(verify(text, [...dated({ expires: "2026-11-22 09:59:59" }), ...CERTIFICATES]).state).toBe("verified");
  });

  it("passes over signatures of algorithms that it does not know", () => {
    const text = signDocument(microdesc(), AUTHORITIES, "sha256").replace(
      "directory-signature sha256",
      "directory-signature sha3-256",
    );
    expect(verify(text)).toMatchObject({ state: "verified", good: 4 });
  });

  it("without signatures is unverified; with ones that cannot be read, invalid", () => {
    const text = signDocument(microdesc(), [one, two, three], "sha256");
    const bare = text.slice(0, text.indexOf("directory-signature "));
    expect(verify(bare)).toMatchObject({ state: "unverified", reason: "it has no signatures" });
    for (const damaged of [
      text.slice(0, -40),
      text.replace("-----BEGIN SIGNATURE-----", "-----BEGIN SIGNATUR-----"),
      `${text}what is this?\n`,
      text.replace(/directory-signature sha256 (\w{39})\w/, "directory-signature sha256 $1"),
    ]) {
      expect(verify(damaged)).toMatchObject({ state: "invalid", reason: expect.stringContaining("cannot be read") });
    }
    const many = text + text.slice(bare.length).repeat(40);
    expect(verify(many)).toMatchObject({ state: "invalid", reason: "it has more than 100 signatures" });
  });

  it("is what no text is by chance", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const document = signDocument(microdesc(), AUTHORITIES, "sha256");
        const at = document.indexOf("directory-signature ");
        expect(stateOf(() => verify(`${document.slice(0, at)}directory-signature ${text}`))).not.toBe("verified");
      }),
    );
  });
});

describe("the authorities of the public network", () => {
  const at = (time: string) => AuthoritySet.builtIn().at(Date.parse(time) / 1000);

  it("are nine today, eight without Faravahar, and never the bridge authority", () => {
    expect(at("2026-11-22T00:00:00Z")).toHaveLength(9);
    expect(at("2023-06-01T00:00:00Z").map(({ nickname }) => nickname)).not.toContain("faravahar");
    expect(at("2023-06-01T00:00:00Z")).toHaveLength(8);
    expect(at("2026-11-22T00:00:00Z").map(({ nickname }) => nickname)).not.toContain("serge");
  });

  it("go by an old key for a while around its change, and no longer", () => {
    const moria1 = (time: string) => [...at(time).find(({ nickname }) => nickname === "moria1")!.identities];
    const old = "D586D18309DED4CD6D57C18FDB97EFA96D330566";
    const today = "F533C81CEF0BC0267857C99B2F471ADF249FA232";
    expect(moria1("2020-01-01T00:00:00Z")).toEqual([old]);
    expect(moria1("2022-12-20T00:00:00Z").sort()).toEqual([old, today]);
    expect(moria1("2024-01-01T00:00:00Z")).toEqual([today]);
  });
});

/** Exchanges two signatures, not the lines that say whose they are. */
function swapSignatures(text: string, first: number, second: number): string {
  const objects = text.match(/-----BEGIN SIGNATURE-----[^-]*-----END SIGNATURE-----/g)!;
  return text
    .replace(objects[first]!, "FIRST")
    .replace(objects[second]!, objects[first]!)
    .replace("FIRST", objects[second]!);
}

/** What is no consensus any more is not verified either. */
function stateOf(verified: () => { readonly state: string }): string {
  try {
    return verified().state;
  } catch (error) {
    return (error as { code: string }).code;
  }
}
