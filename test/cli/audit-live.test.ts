import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { leek, run } from "../support/leek.js";
import { FAR, NEAR, pause, WIRE, WireLab } from "../support/wire-lab.js";

let lab: WireLab;
beforeAll(() => {
  lab = new WireLab();
});
afterAll(() => lab.close());

const NEW_ADDRESS = "5.5.5.77";
/** Nobody's, so that nothing is answered, and who asked waits. */
const SILENT = "5.5.5.99";
/** Asks a name server, and keeps the socket until it is killed. */
const ASKER = `
import socket, time
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
question = bytes.fromhex("000101000001000000000000") + b"\\x03www\\x07example\\x00" + bytes([0, 1, 0, 1])
asker.sendto(question, ("${SILENT}", 53))
time.sleep(60)
`;

interface Audit {
  readonly verdict: string;
  readonly node: { readonly addresses: readonly string[]; readonly inferred: boolean };
  readonly findings: readonly {
    readonly rule: string;
    readonly flows: readonly { originator: { address: string } }[];
  }[];
}

describe("a live audit", () => {
  it("audits this machine, by addresses too that it gets meanwhile", async () => {
    const leek = await lab.leek(["audit", "-i", WIRE, "--json", "--no-local-consensus", "--duration", "3s"]);
    lab.run(lab.near, "ip", "address", "add", `${NEW_ADDRESS}/24`, "dev", WIRE);
    // The far end knows no way back to it.
    await lab.start(lab.near, ["ping", "-q", "-c", "1", "-W", "1", "-I", NEW_ADDRESS, FAR]).ended;
    lab.run(lab.far, "ping", "-q", "-c", "1", "-W", "2", NEAR);
    expect(await leek.ended).toBe(1);
    const { verdict, node, findings } = JSON.parse(leek.stdout) as Audit;
    expect([verdict, node.inferred]).toEqual(["leak", false]);
    expect(node.addresses).toContain(NEW_ADDRESS);
    const icmp = findings.find(({ rule }) => rule === "icmp");
    expect(icmp!.flows.map(({ originator }) => originator.address)).toEqual([NEW_ADDRESS]);
    expect(findings.map(({ rule }) => rule)).toContain("inbound");
  });

  it("ends with 2 where nothing is to be seen", async () => {
    await pause(100);
    const leek = await lab.leek(["audit", "-i", WIRE, "--no-local-consensus", "--duration", "1s"]);
    expect(await leek.ended).toBe(2);
    expect(leek.stdout).toMatch(/^INCONCLUSIVE/);
  });

  it("ends with 66 on an interface that is not there", async () => {
    const leek = lab.startLeek(["audit", "-i", "no-such-if0", "--duration", "1s"]);
    expect(await leek.ended).toBe(66);
    expect(leek.stderr).toContain("no-such-if0");
  });
});

describe("the evidence of a live audit", () => {
  const LIVE = ["audit", "-i", WIRE, "-i", "lo", "--no-local-consensus"];
  /** Two programs that look names up past Tor, while leek audits two interfaces. */
  const keep = async (name: string, ...args: string[]) => {
    const capture = join(lab.folder, `${name}.pcapng`);
    const evidence = join(lab.folder, name);
    const words = [...LIVE, "--json", "-w", capture, "--evidence", evidence, ...args];
    const audit = await lab.leek(words);
    const dig = lab.start(lab.near, ["dig", "+tries=1", "+time=2", `@${SILENT}`, "www.example"]);
    const asker = lab.start(lab.near, ["python3", "-c", ASKER]);
    lab.run(lab.near, "ping", "-q", "-c", "3", "-i", "0.2", "127.0.0.1");
    await dig.ended;
    const status = await audit.stop();
    await asker.stop("SIGKILL");
    expect(status, audit.stderr).toBe(1);
    expect(audit.stderr).toMatch(/Kept \d+ packets as evidence/);
    return { capture, evidence, report: JSON.parse(audit.stdout) };
  };
  const verify = (folder: string) => {
    const { status, stdout } = leek(["verify-evidence", folder, "--json", "--no-local-consensus"]);
    return { status, ...JSON.parse(stdout) };
  };

  it("is verified from its packets, one finding for each program, and is that of the file beside it", async () => {
    const { capture, evidence, report } = await keep("by-program");
    const lookups = report.findings.filter(({ rule }: { rule: string }) => rule === "dns");
    expect(lookups.map((it: { process: { name: string } }) => it.process.name).sort()).toEqual(["dig", "python3"]);
    expect(JSON.parse(readFileSync(join(evidence, "findings.json"), "utf8"))).toEqual(report);
    expect(verify(evidence)).toMatchObject({
      status: 0,
      state: "verified",
      verdict: { claimed: "leak", derived: "leak", agrees: true },
      unchecked: ["programs"],
    });

    const manifest = JSON.parse(readFileSync(join(evidence, "manifest.json"), "utf8"));
    const bytes = readFileSync(capture);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    expect(manifest.captures).toEqual([{ name: capture, bytes: bytes.length, sha256 }]);
    expect(manifest.options.nodes).toContain(NEAR);
    // What proves a finding stands under the same number in the capture.
    const fields = ["-T", "fields", "-e", "frame.number", "-e", "dns.qry.name"];
    const asked = run("tshark", ["-r", capture, "-Y", "dns", ...fields])
      .stdout.trim()
      .split("\n");
    const proof = lookups.flatMap((it: { proof: number[] }) => it.proof).sort((x: number, y: number) => x - y);
    expect(asked).toEqual(proof.map((number: number) => `${number}\twww.example`));
    // The statistics stand in the file, so that an audit of it knows that nothing was lost.
    const again = leek(["audit", capture, "--json", "--no-local-consensus", "--node", NEAR]);
    expect(JSON.parse(again.stdout).coverage.dropped).toBe(0);
  });

  it("is of the packets that pass the filter, and names it", async () => {
    const { evidence, report } = await keep("filtered", "udp");
    expect(report.reasons.map(({ code }: { code: string }) => code)).toContain("filtered");
    expect(JSON.parse(readFileSync(join(evidence, "manifest.json"), "utf8")).options.filter).toBe("udp");
    expect(verify(evidence)).toMatchObject({ status: 0, state: "verified" });
  });

  it("at an exit relay is that of the programs that are not tor", async () => {
    const { evidence, report } = await keep("at-an-exit", "--role", "exit");
    expect(report.findings.map(({ rule }: { rule: string }) => rule)).toContain("dns");
    expect(verify(evidence)).toMatchObject({ status: 0, state: "verified", unchecked: ["programs"] });
  });

  it("names no program, address or interface when it is redacted", async () => {
    const { evidence } = await keep("to-publish", "--redact");
    for (const name of ["manifest.json", "findings.json"]) {
      const text = readFileSync(join(evidence, name), "utf8");
      for (const word of ["dig", "python", "www.example", NEAR, SILENT, WIRE, lab.folder]) {
        expect(text.includes(`"${word}`) || text.includes(`/${word}`), `${word} in ${name}`).toBe(false);
      }
    }
    // No document tells relays from others.
    expect(verify(evidence)).toMatchObject({ status: 2, state: "cannot-tell", differences: [] });
  });

  it("belongs to whom leek becomes", async () => {
    const { capture, evidence } = await keep("of-nobody", "-Z", "nobody");
    const { uid } = statSync(evidence);
    expect(uid).not.toBe(0);
    expect(statSync(capture).uid).toBe(uid);
    expect(verify(evidence).state).toBe("verified");
  });

  it("is not there where the packets cannot be kept, and no report either", async () => {
    const disk = lab.makeDisk("full", "64k");
    const evidence = join(lab.folder, "of-a-full-disk");
    const audit = await lab.leek([...LIVE, "-w", join(disk, "c.pcapng"), "--evidence", evidence]);
    lab.run(lab.far, "ping", "-q", "-f", "-c", "100", "-s", "1400", NEAR);
    expect(await audit.ended).toBe(74);
    expect(audit.stderr).toContain("c.pcapng");
    expect([audit.stdout, existsSync(evidence)]).toEqual(["", false]);
  });

  it("needs a file for the packets, and is not begun without", async () => {
    const evidence = join(lab.folder, "none");
    for (const [args, message] of [
      [[...LIVE, "--evidence", evidence], "-w FILE"],
      [[...LIVE, "--evidence", evidence, "-w", "-"], "Standard output is for the report"],
      [["audit", "node.pcap", "-w", "node.pcapng"], "Name one with -i"],
    ] as const) {
      const outcome = leek(args);
      expect([outcome.status, outcome.stderr]).toEqual([64, expect.stringContaining(message)]);
    }
    expect(existsSync(evidence)).toBe(false);
  });
});
