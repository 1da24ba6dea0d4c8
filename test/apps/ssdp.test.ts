import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ssdp } from "../../src/apps/ssdp.js";
import { detailsOf, disclosed, overUdp, type Said } from "./conversation.js";

// UPnP Device Architecture 2.0, 1.2.2, 1.3.2 and 1.3.3.
const SEARCH =
  'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\n' +
  "ST: urn:dial-multiscreen-org:service:dial:1\r\nUSER-AGENT: Chromium/124.0 Linux\r\nCPFN.UPNP.ORG: Bob's laptop\r\n\r\n";
const USN = "uuid:2fac1234-31f8-11b4-a222-08002b34c003::upnp:rootdevice";
const ANSWER =
  "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: http://192.168.1.1:5000/rootDesc.xml\r\n" +
  `SERVER: OpenWRT/19 UPnP/1.1 MiniUPnPd/2.1\r\nST: upnp:rootdevice\r\nUSN: ${USN}\r\n\r\n`;
const NOTIFY =
  "NOTIFY * HTTP/1.1\r\nHost: [FF02::C]:1900\r\nLocation: http://[FE80::1]/d.xml\r\nNT: upnp:rootdevice\r\n" +
  `NTS: ssdp:alive\r\nServer: a/1\r\nUSN: ${USN}\r\n\r\n`;

describe("ssdp", () => {
  it("tells what is searched for, and by what", () => {
    const facts = overUdp([ssdp], [[0, SEARCH]]);
    expect([facts?.protocol, facts?.by]).toEqual(["ssdp", "content"]);
    expect(detailsOf(facts)).toEqual({
      method: "M-SEARCH",
      searchTarget: "urn:dial-multiscreen-org:service:dial:1",
      userAgent: "Chromium/124.0 Linux",
    });
    expect(disclosed(facts)).toEqual(["software: Chromium/124.0 Linux", "host-name: Bob's laptop"]);
  });

  it("tells who answers and who announces himself", () => {
    const answer = overUdp([ssdp], [[0, ANSWER]]);
    expect(detailsOf(answer)).toEqual({
      method: "response",
      searchTarget: "upnp:rootdevice",
      locationHost: "192.168.1.1",
      server: "OpenWRT/19 UPnP/1.1 MiniUPnPd/2.1",
    });
    expect(disclosed(answer)).toEqual(["software: OpenWRT/19 UPnP/1.1 MiniUPnPd/2.1", `service-name: ${USN}`]);
    const notify = overUdp([ssdp], [[0, NOTIFY]]);
    expect(detailsOf(notify)).toMatchObject({ method: "NOTIFY", locationHost: "fe80::1" });
    expect(disclosed(notify)).toEqual(["service-name: upnp:rootdevice", "software: a/1", `service-name: ${USN}`]);
  });

  it("reads what a snaplen left, whole lines only", () => {
    const facts = overUdp([ssdp], [[0, SEARCH]], SEARCH.length - SEARCH.indexOf("screen-org"));
    expect(detailsOf(facts)).toEqual({ method: "M-SEARCH" });
  });

  it.each([
    "HTTP/1.1 200 OK\r\nServer: a\r\n\r\n",
    "NOTIFY sip:bob@example.com SIP/2.0\r\n\r\n",
    "M-SEARCH / HTTP/1.1\r\n\r\n",
    "BT-SEARCH * HTTP/1.1\r\n\r\n",
    "NOTIFY",
    "",
  ])("is not %j", (text) => {
    expect(overUdp([ssdp], [[0, text]])).toBeUndefined();
  });

  it("takes any bytes without throwing, at every length", () => {
    const message = fc.constantFrom(SEARCH, ANSWER, NOTIFY);
    const changes = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(message, changes, fc.nat(320), (text, changed, cut) => {
        const bytes = Buffer.from(text, "latin1");
        for (const [at, value] of changed) if (at < bytes.length) bytes[at] = value;
        const said: Said[] = [
          [0, text],
          [0, bytes],
        ];
        overUdp([ssdp], said);
        const missing = Math.min(cut, bytes.length);
        const alone = overUdp([ssdp], [[0, bytes.subarray(0, bytes.length - missing)]]);
        // On odd ports a cut answer is nobody's: the rest counts the same, whatever lies behind.
        expect(disclosed(overUdp([ssdp], [[0, bytes]], missing))).toEqual(disclosed(alone));
      }),
      { numRuns: 500 },
    );
  });
});
