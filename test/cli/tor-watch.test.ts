import type { Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { TorWatch } from "../../src/cli/directory/tor-watch.js";
import type { TorWord } from "../../src/cli/directory/tor-word.js";
import { SYSTEM_CLOCK } from "../../src/cli/live/live-clock.js";
import { formatIpAddress } from "../../src/net/index.js";
import { ControlConnection } from "../../src/tor-control/index.js";
import { until } from "../support/wire-lab.js";
import { type Answer, expectNoClientLeft, fakeTor, OK } from "../tor-control/fake-tor.js";

const FP = "0123456789ABCDEF0123456789ABCDEF01234567";
const OTHER = "FEDCBA9876543210FEDCBA9876543210FEDCBA98";
const router = (address: string) => (socket: Socket, command: string) => {
  const key = command.slice("GETINFO ".length);
  socket.write(`250+${key}=\r\nr relay AAAA AAAA 2038-01-01 00:00:00 ${address} 443 0\r\n.\r\n250 OK\r\n`);
};
const status = (...fingerprints: string[]) =>
  `250+orconn-status=\r\n${fingerprints.map((it) => `$${it}~relay CONNECTED\r\n`).join("")}.\r\n250 OK\r\n`;
const SCRIPT = {
  SETEVENTS: OK,
  GETCONF: "250-UseBridges=0\r\n250 Bridge\r\n",
  [`GETINFO ns/id/${FP}`]: router("198.51.100.1"),
  [`GETINFO ns/id/${OTHER}`]: router("198.51.100.2"),
};

/** Waits are shortened: a minute takes 0.3 s. */
const CLOCK = { ...SYSTEM_CLOCK, after: (ms: number, work: () => void) => SYSTEM_CLOCK.after(ms / 200, work) };

let open: TorWatch[] = [];
afterEach(async () => {
  for (const watch of open) await watch.close();
  open = [];
  await expectNoClientLeft();
});

/** A watch on a fake tor that answers so; `connected` is what its orconn-status has. */
async function watchOn(script: Record<string, Answer> = {}) {
  const tor = { connected: [FP], socket: undefined as Socket | undefined, refuses: false };
  const { where, commands } = await fakeTor({
    ...SCRIPT,
    PROTOCOLINFO: (socket) => {
      if (tor.refuses) socket.destroy();
      else socket.write('250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.8.1"\r\n250 OK\r\n');
    },
    SETEVENTS: (socket) => {
      tor.socket = socket;
      socket.write(OK);
    },
    "GETINFO orconn-status": (socket) => socket.write(status(...tor.connected)),
    ...script,
  });
  const said: string[] = [];
  const words: TorWord[] = [];
  const watch = await TorWatch.start({
    open: (signal) => ControlConnection.open(where, { signal, replyTimeoutMs: 1000 }),
    clock: CLOCK,
    say: (text) => said.push(text),
  });
  open.push(watch);
  watch.watch((word) => words.push(word));
  const now = () =>
    watch.word.connections
      .map(({ address, until }) => `${formatIpAddress(address)}${until === undefined ? "" : " ended"}`)
      .sort();
  const comes = (expected: readonly string[]) =>
    until(
      () => JSON.stringify(now()) === JSON.stringify(expected),
      5000,
      () => `${now()}, not ${expected}; said ${said}; asked ${commands.length}`,
    );
  return { tor, watch, said, words, now, comes, commands };
}

describe("the watch on tor", () => {
  it("hears of a connection that is made later, and of its end, by events in pieces", async () => {
    const { tor, now, comes, words, commands } = await watchOn();
    expect(now()).toEqual(["198.51.100.1"]);
    tor.connected = [FP, OTHER];
    for (const piece of ["650 ORC", `ONN $${OTHER}~x CONN`, "ECTED ID=7\r", "\n"]) tor.socket!.write(piece);
    await comes(["198.51.100.1", "198.51.100.2"]);
    expect(words.at(-1)?.connections).toHaveLength(2);
    tor.connected = [OTHER];
    tor.socket!.write(`650 ORCONN $${FP}~x CLOSED REASON=DONE ID=3\r\n`);
    await comes(["198.51.100.1 ended", "198.51.100.2"]);
    // And back.
    tor.connected = [FP, OTHER];
    tor.socket!.write(`650 ORCONN $${FP}~x CONNECTED ID=9\r\n`);
    await comes(["198.51.100.1", "198.51.100.2"]);
    expect(commands.filter((command) => command.includes(`ns/id/${OTHER}`))).toHaveLength(1);
    expect(
      commands.filter((command) => !/^(PROTOCOLINFO|AUTHENTICATE|GETINFO|GETCONF|SETEVENTS)/.test(command)),
    ).toEqual([]);
  });

  it("knows one that was over before the whole was asked for, but only until then", async () => {
    const { tor, comes, watch } = await watchOn();
    tor.socket!.write(`650 ORCONN $${OTHER}~x CONNECTED ID=7\r\n650 ORCONN $${OTHER}~x CLOSED ID=7\r\n`);
    await comes(["198.51.100.1", "198.51.100.2 ended"]);
    expect(watch.word.connections.map(({ at, until }) => until && until - at)).toEqual(expect.arrayContaining([60]));
  });

  it("takes events between the lines of an answer, and what it cannot read for a reason to ask", async () => {
    const event = `650 ORCONN $${OTHER}~x CONNECTED ID=7\r\n`;
    const { tor, comes } = await watchOn({
      GETCONF: (socket) => socket.write(`${event}250-UseBridges=0\r\n${event}250 Bridge\r\n${event}`),
    });
    await comes(["198.51.100.1", "198.51.100.2 ended"]);
    tor.connected = [FP, OTHER];
    tor.socket!.write("650 ORCONN nonsense\r\n");
    await comes(["198.51.100.1", "198.51.100.2"]);
  });

  it("asks from time to time where no events come", async () => {
    const { tor, comes } = await watchOn();
    tor.connected = [OTHER];
    await comes(["198.51.100.1 ended", "198.51.100.2"]);
  });

  it("says once that tor is gone, tries again, and says when it is back", async () => {
    const { tor, comes, said } = await watchOn();
    tor.refuses = true;
    tor.socket!.destroy();
    await comes(["198.51.100.1 ended"]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(said).toEqual([expect.stringContaining("does not tell any more")]);
    tor.connected = [OTHER];
    tor.refuses = false;
    await comes(["198.51.100.1 ended", "198.51.100.2"]);
    await until(
      () => said.length > 1,
      2000,
      () => `${said}`,
    );
    expect(said[1]).toContain("again");
  });

  it("is not led astray by floods of events and by lies, and ends at once", async () => {
    const { tor, said, watch } = await watchOn();
    tor.socket!.write(`650 ORCONN $${OTHER}~x LAUNCHED ID=7\r\n`.repeat(50_000));
    tor.connected = Array.from({ length: 3 }, () => FP);
    tor.socket!.write("650 ORCONN \u0000\u001b[2J CONNECTED\r\n".repeat(1000));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([said, watch.word.connections.length]).toEqual([[], 1]);
    tor.socket!.write("250 OK\r\n");
    await until(
      () => said.length > 0,
      2000,
      () => "nothing was said",
    );
    expect(said[0]).toContain("answered without being asked");
    const start = performance.now();
    await watch.close();
    expect(performance.now() - start).toBeLessThan(500);
  });
});
