#!/usr/bin/env node
/**
 * A private Tor network on one machine: real tor processes in network namespaces of their own.
 *
 * As a module it gives `startTornet`. As a command it starts the network, shows that it works, and stops it.
 */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { makeAuthority } from "./authority-keys.mjs";
import { main } from "./command.mjs";
import { copyDocuments, parseConsensus } from "./consensus.mjs";
import { connectNamespaces, Namespace, namespaceName, removeOrphans } from "./namespaces.mjs";
import { INTERNET_SERVICES, ONION_SITE, RELAYS, ZONE } from "./plan.mjs";
import { ProcessGroup, waitFor } from "./processes.mjs";
import { requireRootAnd } from "./requirements.mjs";
import { makeCertificate, startServers } from "./servers/start.mjs";
import { TorProcess } from "./tor-process.mjs";
import { clientTorrc, relayTorrc } from "./torrc.mjs";
import { startVisitor } from "./visitor/start.mjs";

/**
 * A relay of the plan, with the fingerprint that it made for itself, and its tor, which can be started anew.
 *
 * @typedef {import("./plan.mjs").RelayPlan & { fingerprint: string, tor: TorProcess }} Relay
 */

/**
 * @typedef {object} TornetOptions
 * @property {string} [dir] - Where keys, logs and documents go, and stay: new or empty. Default: a temporary directory that `stop`
 *   removes.
 * @property {number} [consensusIntervalSeconds] - A consensus is fresh for one interval and valid for three. It must
 *   divide 30 minutes. Default 1800.
 * @property {number} [firstVoteSeconds] - How long relays may take to register before the only vote of the first
 *   interval. Default 15; a slow machine needs more.
 * @property {AbortSignal} [signal] - Stops the network, also while it starts.
 */

/**
 * Starts a private network and waits until its client can build circuits.
 *
 * @param {TornetOptions} [options]
 * @throws {import("./requirements.mjs").RequirementError} when this machine cannot do it. Nothing remains after a failure.
 */
export async function startTornet(options = {}) {
  requireRootAnd(["ip", "tor", "tor-gencert", "openssl"]);
  const tornet = new Tornet(options.dir ?? (await mkdtemp(join(tmpdir(), "tornet-"))), options.dir === undefined);
  options.signal?.addEventListener("abort", () => tornet.stop());
  try {
    await tornet.start(options);
  } catch (error) {
    await tornet.stop();
    throw error;
  }
  return tornet;
}

/** A private network. Made by `startTornet`. */
export class Tornet {
  /** All relays, also the bridge, which no consensus lists. @type {readonly Relay[]} */
  relays = [];
  /** The `DirAuthority` lines by which a tor, or a verifier of signatures, trusts this network. @type {readonly string[]} */
  authorityLines = [];
  /** The connections that TCP servers accepted, in order. @type {import("./servers/start.mjs").Accepted[]} */
  accepted = [];
  /** The host name of the client's onion service. */
  onionHost = "";

  #processes = new ProcessGroup();
  #stopping = new AbortController();
  /** @type {Namespace[]} */
  #namespaces = [];
  /** @type {import("./torrc.mjs").NetworkSettings | undefined} */
  #settings;
  /** @type {TorProcess | undefined} */
  #client;
  /** @type {import("./visitor/start.mjs").Visitor | undefined} */
  #visitor;

  /**
   * @param {string} dir
   * @param {boolean} ownsDir
   */
  constructor(dir, ownsDir) {
    this.dir = dir;
    this.ownsDir = ownsDir;
    /** Relays and servers. */
    this.internet = new Namespace(namespaceName("internet"));
    /** The client, the visitor, and whatever shall be observed. */
    this.node = new Namespace(namespaceName("node"));
  }

  /** The tor on the node: SOCKS and control port as in `CLIENT_PORTS`, with an onion service. */
  get client() {
    return started(this.#client);
  }

  /** Makes connections on the node, and tells their ports. */
  get visitor() {
    return started(this.#visitor);
  }

  /** @param {TornetOptions} options */
  async start({ consensusIntervalSeconds = 1800, firstVoteSeconds = 15 }) {
    await this.#requireEmptyDirectory();
    await removeOrphans();
    for (const namespace of [this.internet, this.node]) {
      this.#namespaces.push(namespace);
      await namespace.create();
    }
    await connectNamespaces(this.internet, this.node);
    await this.#startServers();
    this.authorityLines = await this.#makeAuthorities();
    const firstVote = Math.ceil(Date.now() / 1000) + firstVoteSeconds;
    this.#settings = {
      authorityLines: this.authorityLines,
      consensusIntervalSeconds,
      firstVoteSeconds,
      votingStartOffsetSeconds: firstVote % consensusIntervalSeconds,
      resolverFile: join(this.dir, "resolv.conf"),
    };
    this.relays = await this.#startRelays(RELAYS.filter((relay) => !isBridge(relay)));
    await this.#awaitConsensus(firstVoteSeconds);
    await this.#awaitInformedRelays();
    await Promise.all([this.#startBridges(), this.#startClient()]);
    this.#visitor = await startVisitor(this.node, this.#processes);
  }

  /**
   * Another tor for the node. It has the client's ports, so stop the client before you start this one.
   *
   * @param {string} nickname - Also the name of its DataDirectory; the same name continues where it ended.
   * @param {{ extraLines?: readonly string[], onionDirectory?: string }} [options] - `extraLines` are torrc lines.
   */
  async makeClient(nickname, options = {}) {
    const dataDirectory = this.#dataDirectory(nickname);
    await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
    const torrc = clientTorrc(started(this.#settings), dataDirectory, options);
    return new TorProcess({ nickname, dataDirectory, torrc, namespace: this.node, processes: this.#processes });
  }

  /**
   * Runs a program on the node for as long as it likes; `stop` ends it at the latest.
   *
   * @param {readonly string[]} argv
   * @param {import("node:child_process").SpawnOptions} [options]
   */
  spawnOnNode(argv, options) {
    return this.#processes.add(this.node.spawn(argv, options));
  }

  /**
   * The same on the internet's side: a server that is not in plan.mjs.
   *
   * @param {readonly string[]} argv
   * @param {import("node:child_process").SpawnOptions} [options]
   */
  spawnOnInternet(argv, options) {
    return this.#processes.add(this.internet.spawn(argv, options));
  }

  /**
   * Waits until a tor has the descriptors of all listed relays. A client has bootstrapped before that, but if it is
   * stopped then, it may know too few of its guards when it starts again.
   *
   * @param {string} nickname - Of a relay, or of a client in its first run.
   */
  async awaitDescriptors(nickname) {
    const listed = this.relays.filter((relay) => !isBridge(relay)).length;
    const known = async () => (await countMicrodescriptors(this.#dataDirectory(nickname))) >= listed;
    const options = { timeoutMs: 60_000, signal: this.#stopping.signal };
    await waitFor(`${nickname} to get the descriptors of all relays`, known, options);
  }

  /** The relay of this name. @param {string} nickname */
  relay(nickname) {
    const relay = this.relays.find((candidate) => candidate.nickname === nickname);
    if (!relay) throw new Error(`There is no relay ${nickname}; see plan.mjs`);
    return relay;
  }

  /**
   * Copies the present consensus in both flavors, and the certificates of its signers.
   *
   * @param {string} target - A directory; made if absent.
   * @returns {Promise<string[]>} The names of the files.
   */
  saveConsensus(target) {
    return copyDocuments(this.#dataDirectory("authority1"), target);
  }

  /** Ends every process, removes the namespaces, and the directory if it is a temporary one. May be called twice. */
  async stop() {
    this.#stopping.abort(new Error("The network was stopped while it started"));
    await this.#processes.stopAll();
    for (const namespace of this.#namespaces.splice(0)) await namespace.remove().catch(warn);
    if (this.ownsDir) await rm(this.dir, { recursive: true, force: true });
  }

  /** @param {string} nickname */
  #dataDirectory(nickname) {
    return join(this.dir, nickname);
  }

  async #requireEmptyDirectory() {
    await mkdir(this.dir, { recursive: true });
    const found = await readdir(this.dir);
    if (found.length > 0) throw new Error(`${this.dir} is not empty: name a new directory, or remove its files`);
  }

  #makeAuthorities() {
    const authorities = RELAYS.filter((relay) => relay.roles.includes("authority"));
    return Promise.all(authorities.map((relay) => makeAuthority(this.#dataDirectory(relay.nickname), relay)));
  }

  async #startServers() {
    const onAccepted = (/** @type {import("./servers/start.mjs").Accepted} */ connection) => {
      this.accepted.push(connection);
    };
    const common = { processes: this.#processes, onAccepted };
    const tls = await makeCertificate(this.dir, Object.keys(ZONE));
    await startServers({ ...common, namespace: this.internet, services: INTERNET_SERVICES, tls });
    await startServers({ ...common, namespace: this.node, services: [ONION_SITE] });
    const dnsServer = INTERNET_SERVICES.find((service) => service.kind === "dns");
    await writeFile(join(this.dir, "resolv.conf"), `nameserver ${dnsServer?.address}\n`);
  }

  /**
   * @param {readonly import("./plan.mjs").RelayPlan[]} plans
   * @returns {Promise<Relay[]>}
   */
  #startRelays(plans) {
    return Promise.all(
      plans.map(async (plan) => {
        const { nickname } = plan;
        const dataDirectory = this.#dataDirectory(nickname);
        await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
        const torrc = relayTorrc(started(this.#settings), dataDirectory, plan);
        const place = { nickname, dataDirectory, torrc, namespace: this.internet, processes: this.#processes };
        const tor = new TorProcess(place);
        await tor.start();
        return { ...plan, tor, fingerprint: await readFingerprint(dataDirectory, this.#stopping.signal) };
      }),
    );
  }

  /**
   * Waits for the first consensus and looks whether all are in it: the next one would be long in coming.
   *
   * @param {number} firstVoteSeconds
   */
  async #awaitConsensus(firstVoteSeconds) {
    const file = join(this.#dataDirectory("authority1"), "cached-consensus");
    const text = await waitFor("the first consensus", () => readFile(file, "utf8").catch(() => undefined), {
      timeoutMs: (firstVoteSeconds + 30) * 1000,
      signal: this.#stopping.signal,
    });
    const consensus = parseConsensus(text);
    const missing = this.relays.filter((relay) => !isListed(relay, consensus.relays));
    if (missing.length > 0) {
      const names = missing.map((relay) => relay.nickname).join(", ");
      throw new Error(`Registered too late for the first vote: ${names}. Try a larger firstVoteSeconds.`);
    }
    if (consensus.signatures < this.authorityLines.length) {
      throw new Error(`Only ${consensus.signatures} authorities signed in time. Try again on a less busy machine.`);
    }
  }

  /**
   * Until each relay knows all others, an exit takes other relays for clients and refuses their streams; and a client
   * that asks its guards too early for descriptors never asks them again.
   */
  async #awaitInformedRelays() {
    await Promise.all(this.relays.map(({ nickname }) => this.awaitDescriptors(nickname)));
  }

  /** Late, because a bridge fetches documents as clients do: if it has asked in vain, it does not ask again soon. */
  async #startBridges() {
    const bridges = await this.#startRelays(RELAYS.filter(isBridge));
    this.relays = [...this.relays, ...bridges];
    await Promise.all(bridges.map(({ nickname }) => this.awaitDescriptors(nickname)));
  }

  async #startClient() {
    const onionDirectory = join(this.dir, "onion");
    this.#client = await this.makeClient("client", { onionDirectory });
    await this.#client.start();
    await this.#client.bootstrapped();
    await this.awaitDescriptors("client");
    await this.#client.published();
    this.onionHost = (await readFile(join(onionDirectory, "hostname"), "utf8")).trim();
  }
}

/**
 * @param {Relay} relay
 * @param {readonly import("./consensus.mjs").ListedRelay[]} listed
 */
function isListed(relay, listed) {
  const entry = listed.find((candidate) => candidate.fingerprint === relay.fingerprint);
  const wanted = ["Running", "Stable"];
  if (relay.roles.includes("guard")) wanted.push("Guard");
  if (relay.roles.includes("exit")) wanted.push("Exit");
  if (!wanted.every((flag) => entry?.flags.includes(flag))) return false;
  return relay.ipv6 === undefined || entry?.ipv6 !== undefined;
}

/** @param {import("./plan.mjs").RelayPlan} relay */
function isBridge(relay) {
  return relay.roles.includes("bridge");
}

/**
 * tor writes the file soon after its start.
 *
 * @param {string} dataDirectory
 * @param {AbortSignal} signal
 */
async function readFingerprint(dataDirectory, signal) {
  const file = join(dataDirectory, "fingerprint");
  const line = await waitFor(file, () => readFile(file, "utf8").catch(() => undefined), { timeoutMs: 30_000, signal });
  return line.trim().split(" ")[1] ?? "";
}

/** New ones are appended to the file that is read here. @param {string} dataDirectory */
async function countMicrodescriptors(dataDirectory) {
  const text = await readFile(join(dataDirectory, "cached-microdescs.new"), "utf8").catch(() => "");
  return text.match(/^ntor-onion-key /gm)?.length ?? 0;
}

/**
 * @template T
 * @param {T | undefined} part
 * @returns {T}
 */
function started(part) {
  if (part === undefined) throw new Error("The network has not started");
  return part;
}

/** @param {unknown} error */
function warn(error) {
  console.error(`While cleaning up: ${error}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main(startTornet);
