import { describe, expect, it } from "vitest";
import { CapturedPacket } from "../../src/base/index.js";
import type { Flow } from "../../src/flows/index.js";
import { ProxyCorrelation } from "../../src/pipeline/proxy-correlation.js";

const LINK = {
  serial: 7,
  originator: { address: "192.168.0.2", port: 40_000 },
  responder: { address: "198.51.100.7", port: 9001 },
} as unknown as Flow;

function packetAt(seconds: number, nanoseconds: number, number = 50): CapturedPacket {
  return Object.assign(new CapturedPacket(), { seconds, nanoseconds, number });
}

const request = (seconds: number, target: string) => ({ seconds, nanoseconds: 500_000_000, packet: 1, target });

describe("a request to the local proxy", () => {
  it("is joined to the link that sends next", () => {
    const proxies = new ProxyCorrelation();
    expect(proxies.isWaiting).toBe(false);
    proxies.request(1, request(100, "example.onion:80"));
    proxies.request(2, request(100, "example.org:443"));
    expect(proxies.isWaiting).toBe(true);
    proxies.linkPacket(LINK, packetAt(100, 512_000_000));
    expect(proxies.isWaiting).toBe(false);
    expect(proxies.of(1)).toEqual({
      kind: "carried-by",
      originator: LINK.originator,
      responder: LINK.responder,
      packet: 50,
      delay: expect.closeTo(0.012, 9),
    });
    expect(proxies.of(7)).toEqual({ kind: "carries", targets: ["example.onion:80", "example.org:443"], requests: 2 });
  });

  it("is given up when no link sends within two seconds", () => {
    const proxies = new ProxyCorrelation();
    proxies.request(1, request(100, "example.org:443"));
    proxies.linkPacket(LINK, packetAt(102, 600_000_000));
    expect(proxies.of(1)).toBeUndefined();
    expect(proxies.isWaiting).toBe(false);
  });

  it("waits for what is later than itself: merged captures may be out of order", () => {
    const proxies = new ProxyCorrelation();
    proxies.request(1, request(100, "example.org:443"));
    proxies.linkPacket(LINK, packetAt(100, 0));
    expect(proxies.of(1)).toBeUndefined();
    proxies.linkPacket(LINK, packetAt(100, 600_000_000));
    expect(proxies.of(1)).toMatchObject({ kind: "carried-by" });
  });

  it("is not kept without end, nor is what a link carried", () => {
    const proxies = new ProxyCorrelation();
    for (let i = 0; i < 1000; i++) proxies.request(100 + i, request(100, `host-${i}:1`));
    proxies.linkPacket(LINK, packetAt(101, 0));
    const carries = proxies.of(7);
    expect(carries).toMatchObject({ requests: 256 });
    expect(carries?.kind === "carries" && carries.targets).toHaveLength(16);
    proxies.forget(7);
    expect(proxies.of(7)).toBeUndefined();
  });
});
