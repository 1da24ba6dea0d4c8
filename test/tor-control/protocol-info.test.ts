import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseProtocolInfo } from "../../src/tor-control/protocol-info.js";
import { parseQuotedString } from "../../src/tor-control/quoted-string.js";
import { type Reply, ReplyParser } from "../../src/tor-control/reply-parser.js";

function reply(text: string): Reply {
  const replies: Reply[] = [];
  new ReplyParser((one) => replies.push(one)).push(Buffer.from(text, "latin1"));
  return replies[0]!;
}

describe("a quoted string", () => {
  it.each([
    ['"/run/tor/control"', "/run/tor/control"],
    ['""', ""],
    ['"a\\"b\\\\c\\\'d"', "a\"b\\c'd"],
    ['"\\n\\r\\t\\x"', "\n\r\tx"],
    ['"\\303\\251\\0\\18\\400"', "\xc3\xa9\0\x018 0"],
  ])("%s is read with its escapes", (text, expected) => {
    expect(parseQuotedString(text, 0)).toEqual({ text: expected, end: text.length });
  });

  it.each(["", "a", '"', '"a', '"a\\', '"a\\"'])("%j is none", (text) => {
    expect(parseQuotedString(text, 0)).toBeUndefined();
  });

  it("with any bytes, escaped as tor does, is read back", () => {
    const escaped = (text: string) =>
      text.replace(/["\\']/g, "\\$&").replace(/[^ -~]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`);
    const bytes = fc.uint8Array({ maxLength: 30 }).map((array) => Buffer.from(array).toString("latin1"));
    fc.assert(
      fc.property(bytes, bytes, (text, after) => {
        const quoted = `"${escaped(text)}"`;
        expect(parseQuotedString(quoted + after, 0)).toEqual({ text, end: quoted.length });
      }),
    );
  });
});

describe("PROTOCOLINFO", () => {
  it("tells methods and cookie file, in any order of lines and with unknown ones between", () => {
    const info = parseProtocolInfo(
      reply(
        '250-FUTURE x=1\r\n250-VERSION Tor="0.4.9.11"\r\n250-AUTH METHODS=COOKIE,SAFECOOKIE,LATER COOKIEFILE="/home/\\303\\251 x/cookie" Y=1\r\n250-PROTOCOLINFO 1\r\n250 OK\r\n',
      ),
    );
    expect(info).toEqual({ methods: new Set(["COOKIE", "SAFECOOKIE", "LATER"]), cookieFile: "/home/é x/cookie" });
  });

  it.each([
    "250 OK\r\n",
    "220 mail.example.com ESMTP\r\n",
    "250-PROTOCOLINFO 1\r\n250 OK\r\n",
    "250-PROTOCOLINFO 1\r\n250-AUTH\r\n250 OK\r\n",
    "513 No such version\r\n",
  ])("%j is none", (text) => {
    expect(parseProtocolInfo(reply(text))).toBeUndefined();
  });
});
