import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { followLinks, type TlsLink } from "../../../scripts/tor-suspected/follow.js";
import { FIXTURES } from "../../support/leek.js";

interface Truth {
  readonly snaplen: number;
  readonly flows: readonly {
    readonly originator: { readonly address: string; readonly port: number };
    readonly responder: { readonly address: string; readonly port: number };
    readonly class: string;
  }[];
}

const NAMES = readdirSync(FIXTURES)
  .filter((name) => name.endsWith(".truth.json"))
  .map((name) => name.slice(0, -".truth.json".length));

async function linksOf(name: string): Promise<readonly TlsLink[]> {
  const links: TlsLink[] = [];
  await followLinks(join(FIXTURES, `${name}.pcap`), (link) => links.push(link));
  return links;
}

function torLinksOf({ flows }: Truth): Set<string> {
  const tor = flows.filter(({ class: name }) => name === "tor");
  return new Set(
    tor.map(
      ({ originator: { address, port }, responder }) => `${address}:${port} ${responder.address}:${responder.port}`,
    ),
  );
}

describe("of the TLS connections in a capture", () => {
  it.each(NAMES)("exactly Tor's links are suspected: %s", async (name) => {
    const truth = JSON.parse(readFileSync(join(FIXTURES, `${name}.truth.json`), "utf8")) as Truth;
    const tor = torLinksOf(truth);
    for (const { originator, responder, isSuspected, figures } of await linksOf(name)) {
      const link = `${originator} ${responder}`;
      if (!tor.has(link)) expect(isSuspected, link).toBe(false);
      // Of so little of each packet no ClientHello is left: sizes alone, and too few of them.
      else if (truth.snaplen < 200) expect(figures).toMatchObject({ names: "unseen", records: figures.wholeCells });
      else {
        expect(isSuspected, link).toBe(true);
        expect(figures.wholeCells, link).toBe(figures.records);
      }
    }
  });

  it("that to a bridge has its opening and its name seen", async () => {
    const [link] = await linksOf("bridge");
    expect(link!.figures).toEqual({
      records: 45,
      wholeCells: 45,
      fewestCells: 1,
      mostCells: 12,
      names: "server-name",
      opening: true,
    });
  });

  it("those that began before it are suspected by sizes alone", async () => {
    const links = (await linksOf("mid-stream")).filter(({ hello }) => hello === undefined);
    expect(links.map(({ isSuspected, figures }) => [isSuspected, figures.names])).toEqual([
      [true, "unseen"],
      [true, "unseen"],
    ]);
  });
});
