import { cpSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { bundleScript } from "../../support/bundle.js";
import { PROJECT, run } from "../../support/leek.js";
import { type Started, WireLab } from "../../support/wire-lab.js";
import type { DriverOrder, DriverResult } from "./live-driver.js";

/** A second interface at the near end, which takes whatever is sent over it and answers nothing. */
export const SINK = "sink0";
const SINK_NET = "5.5.6";
export const BEHIND_SINK = `${SINK_NET}.2`;
/** Where `npm test` puts the npm package cap. */
const CAP = join(PROJECT, "node_modules/.cache/leek", `cap-${process.versions.modules}`, "node_modules/cap");

/** A WireLab with a second interface, and a program that calls openLive. */
export class LiveLab extends WireLab {
  constructor() {
    super();
    try {
      this.addSink();
      bundleScript('import "./test/capture/live/live-driver.ts";', join(this.folder, "driver.mjs"));
      bundleScript('import "./src/capture/live/libpcap-worker.ts";', join(this.folder, "worker.mjs"));
      const modules = join(this.folder, "node_modules");
      mkdirSync(modules);
      // Copies: another user may not be allowed into the checkout.
      for (const name of ["koffi", "@koromix"]) {
        cpSync(join(PROJECT, "node_modules", name), join(modules, name), { recursive: true });
      }
      if (existsSync(CAP)) symlinkSync(CAP, join(modules, "cap"));
    } catch (error) {
      void this.close();
      throw error;
    }
  }

  /** Makes the second interface, anew if it was removed. */
  addSink(): void {
    // The other end has no address: whatever comes out there is thrown away.
    this.ip("link", "add", SINK, "type", "veth", "peer", SINK, "netns", this.far);
    this.run(this.far, "ip", "link", "set", SINK, "arp", "off", "up");
    this.ip("address", "add", `${SINK_NET}.1/24`, "dev", SINK);
    this.ip("link", "set", SINK, "arp", "off", "up");
  }

  /** Runs ip(8) at the near end. */
  ip(...words: readonly string[]): string {
    const { status, stdout, stderr } = run("ip", ["-n", this.near, ...words]);
    if (status !== 0) throw new Error(`ip ${words.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** Starts a capture, and waits until it is open. */
  async drive(order: DriverOrder): Promise<Driven> {
    const driven = this.startDriver(order);
    await driven.started.says(/listening on/);
    return driven;
  }

  /** What becomes of a capture that ends by itself. */
  async refused(order: DriverOrder): Promise<DriverResult> {
    return this.startDriver(order).result();
  }

  private startDriver(order: DriverOrder): Driven {
    return new Driven(this.start(this.near, [process.execPath, "driver.mjs", JSON.stringify(order)]));
  }
}

/** A capture that runs. */
export class Driven {
  constructor(readonly started: Started) {}

  /** Lets packets be read that were held. */
  release(): void {
    this.started.child.kill("SIGUSR2");
  }

  /** Asks for the end, with what has come by then. */
  async stop(): Promise<void> {
    this.started.child.kill("SIGINT");
    await this.started.says(/stopping/);
  }

  /** Closes without waiting for what is there. */
  close(): void {
    this.started.child.kill("SIGTERM");
  }

  async event(name: string, kind: string): Promise<void> {
    await this.started.says(new RegExp(`event ${name} ${kind}`));
  }

  /** Once the capture has ended. */
  async result(): Promise<DriverResult> {
    const status = await this.started.ended;
    if (status !== 0) throw new Error(`${status} ${this.started.stderr}`);
    return JSON.parse(this.started.stdout);
  }

  async stopped(): Promise<DriverResult> {
    await this.stop();
    return this.result();
  }
}
