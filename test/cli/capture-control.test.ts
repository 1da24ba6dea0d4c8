import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CLIENT_PORTS, NODE } from "../../scripts/tornet/plan.mjs";
import { startTornet, type Tornet } from "../../scripts/tornet/tornet.mjs";
import { LEEK } from "../support/leek.js";
import { Started } from "../support/wire-lab.js";

interface FlowJson {
  readonly class: string;
  readonly responder: { readonly address: string; readonly port: number };
  readonly evidence: readonly { readonly kind: string; readonly fingerprint?: string }[];
}

let tornet: Tornet;
beforeAll(async () => {
  tornet = await startTornet();
});
afterAll(() => tornet?.stop());

it("a live capture knows the OR connections that a real tor makes later, and goes on when tor starts again", async () => {
  await tornet.client.stop();
  const idle = await tornet.makeClient("idle", { extraLines: ["DisableNetwork 1"] });
  await idle.start();
  await idle.logged(/Opened Control listener/, 20_000);
  const words = ["capture", "-i", NODE.interface, "-p", "--no-local-consensus", "--no-processes", "--json"];
  const argv = [process.execPath, LEEK, ...words, "--control", `127.0.0.1:${CLIENT_PORTS.control}`];
  const env = { ...process.env, LEEK_DATA_DIR: "/nonexistent" };
  const leek = new Started(tornet.spawnOnNode(argv, { env, stdio: ["ignore", "pipe", "pipe"] }), {});
  await leek.says(/listening on/);

  // Now it makes its first connections; leek would ask of itself a minute later only.
  const torrc = join(idle.dataDirectory, "torrc");
  writeFileSync(torrc, readFileSync(torrc, "utf8").replace("DisableNetwork 1\n", ""));
  process.kill(idle.pid!, "SIGHUP");
  await idle.bootstrapped();
  await tornet.visitor.visit("http", { address: "www.example.com", port: 80, host: "www.example.com", socks: "5" });
  // Tor's own words come a moment after its packets.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await tornet.visitor.visit("http", { address: "203.0.113.80", port: 80, host: "www.example.com" });
  expect(leek.stderr).not.toContain("control port");

  await idle.stop();
  await leek.says(/does not tell any more/);
  await idle.start();
  await leek.says(/tells again of its OR connections/);
  expect(await leek.stop()).toBe(0);

  const flows: FlowJson[] = JSON.parse(leek.stdout).flows;
  const ofRelays = flows.filter(({ responder }) =>
    tornet.relays.some(({ address, orPort }) => responder.address === address && responder.port === orPort),
  );
  const byTor = ofRelays.filter(({ evidence }) => evidence[0]!.kind === "tor-control");
  expect(byTor.length).toBeGreaterThan(0);
  for (const { class: flowClass, responder, evidence } of byTor) {
    const { address, port } = responder;
    const relay = tornet.relays.find((it) => it.address === address && it.orPort === port)!;
    expect([flowClass, evidence[0]!.fingerprint]).toEqual(["tor", relay.fingerprint]);
  }
  const leaks = flows.filter(({ responder }) => responder.address === "203.0.113.80");
  expect(leaks.map((flow) => [flow.class, flow.evidence[0]!.kind])).toContainEqual(["clearnet", "no-document"]);
  expect(leek.stderr.match(/does not tell any more/g)).toHaveLength(1);
}, 120_000);
