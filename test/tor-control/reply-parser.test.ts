import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  MAX_LINE_BYTES,
  MAX_REPLY_LINES,
  type Reply,
  ReplyFault,
  ReplyParser,
} from "../../src/tor-control/reply-parser.js";

/** All replies, and the fault that ended it, if any. */
function parse(chunks: readonly (Buffer | string)[], maxReplyBytes?: number): { replies: Reply[]; fault?: string } {
  const replies: Reply[] = [];
  const parser = new ReplyParser((reply) => replies.push(reply));
  if (maxReplyBytes !== undefined) parser.maxReplyBytes = maxReplyBytes;
  try {
    for (const chunk of chunks) parser.push(Buffer.from(chunk as string, "latin1"));
  } catch (error) {
    if (!(error instanceof ReplyFault)) throw error;
    return { replies, fault: error.message };
  }
  return { replies };
}

const line = (status: number, text: string, data?: string) => ({
  status,
  text,
  data: data === undefined ? undefined : Buffer.from(data, "latin1"),
});

describe("the parser of replies", () => {
  it("takes lines up to the one with a space as one reply", () => {
    const { replies } = parse(["250-version=0.4.9.11\r\n250 OK\r\n552 Unrecognized key\r\n"]);
    expect(replies).toEqual([
      { status: 250, lines: [line(250, "version=0.4.9.11"), line(250, "OK")] },
      { status: 552, lines: [line(552, "Unrecognized key")] },
    ]);
  });

  it("gives a data block its own bytes back", () => {
    const { replies } = parse(["250+key=\r\none\r\n..\r\n..two\r\n\r\n.\r\n250 OK\r\n"]);
    expect(replies[0]?.lines[0]).toEqual(line(250, "key=", "one\n.\n.two\n\n"));
  });

  it("takes an empty data block and status lines within data for what they are", () => {
    const { replies } = parse(["250+a=\r\n.\r\n250+b=\r\n250 OK\r\n.\r\n250 OK\r\n"]);
    expect(replies).toEqual([
      { status: 250, lines: [line(250, "a=", ""), line(250, "b=", "250 OK\n"), line(250, "OK")] },
    ]);
  });

  it("drops events of every form, also between the lines of a reply", () => {
    const event = "650-NOTICE a\r\n650+NOTICE\r\n250 OK\r\n.\r\n650 OK\r\n";
    const { replies } = parse([`${event}250-a=1\r\n${event}250 OK\r\n${event}`]);
    expect(replies).toEqual([{ status: 250, lines: [line(250, "a=1"), line(250, "OK")] }]);
  });

  it("tells events of one line at once, however they are cut, and never within data", () => {
    const stream =
      "650 ORCONN a\r\n250+k=\r\n650 data\r\n.\r\n650-X\r\n650 OK\r\n650+Y\r\n650 no\r\n.\r\n650 OK\r\n250 OK\r\n";
    for (const size of [1, 3, stream.length]) {
      const events: string[] = [];
      const replies: Reply[] = [];
      const parser = new ReplyParser(
        (reply) => replies.push(reply),
        (text) => events.push(text),
      );
      for (let at = 0; at < stream.length; at += size) parser.push(Buffer.from(stream.slice(at, at + size)));
      expect(events).toEqual(["ORCONN a", "OK", "OK"]);
      expect(replies).toEqual([{ status: 250, lines: [line(250, "k=", "650 data\n"), line(250, "OK")] }]);
    }
  });

  it.each([
    "HTTP/1.0 501 Not implemented\r\n",
    "\r\n",
    "25 OK\r\n",
    "2500 OK\r\n",
    "250\r\n",
    "050 OK\r\n",
    "250_OK\n",
  ])("refuses %j", (text) => {
    expect(parse([text])).toMatchObject({ replies: [], fault: expect.stringContaining("is no line of a reply") });
  });

  it("quotes no control characters", () => {
    expect(parse(["\x1b[2Jno\r\n"]).fault).toBe('"\\x1b[2Jno" is no line of a reply');
  });

  it("takes a line of the longest length, and none longer", () => {
    const longest = `250 ${"x".repeat(MAX_LINE_BYTES - 5)}\r`;
    expect(parse([longest, "\n"]).replies).toHaveLength(1);
    expect(parse([`${longest}\r`, "\n"]).fault).toContain("a line is longer");
    expect(parse([`250+a=\r\n${longest}\r`]).fault).toContain("a line is longer");
    // No end of line is needed to see that.
    expect(parse(Array.from({ length: 66 }, () => "x".repeat(1000))).fault).toContain("a line is longer");
  });

  it("takes no more bytes and lines than allowed, and counts each reply for itself", () => {
    const reply = "250-a=12345678\r\n250 OK\r\n";
    expect(parse([reply.repeat(9)], 22).replies).toHaveLength(9);
    expect(parse([reply], 21).fault).toBe("the answer is longer than 21 bytes");
    expect(parse(["250+a=\r\n", ...Array.from({ length: 9 }, () => "0123456789\r\n")], 90).fault).toContain("90 bytes");
    const lines = ["250-\r\n".repeat(MAX_REPLY_LINES - 1), "250 OK\r\n"];
    expect(parse(lines).replies).toHaveLength(1);
    expect(parse(["250-\r\n", ...lines]).fault).toContain(`more than ${MAX_REPLY_LINES} lines`);
  });

  it("reads a large document in little time, whatever the pieces", () => {
    const document = "r relay AAAAAAAAAAAAAAAAAAAAAAAAAAA 2038-01-01 00:00:00 192.0.2.7 9001 0\n".repeat(60_000);
    const wire = Buffer.from(`250+c=\r\n${document.replaceAll("\n", "\r\n")}.\r\n250 OK\r\n`);
    const pieces: Buffer[] = [];
    for (let at = 0; at < wire.length; at += 777) pieces.push(wire.subarray(at, at + 777));
    const start = performance.now();
    const { replies } = parse(pieces, 64 * 1024 * 1024);
    expect(replies[0]?.lines[0]?.data?.toString("latin1")).toBe(document);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});

/** As C tor write_escaped_data() does. */
function escapeData(text: string): string {
  return `${text.replace(/^\./gm, "..").replaceAll("\n", "\r\n")}.\r\n`;
}

const plainText = fc.string({
  unit: fc.constantFrom("a", "Z", "0", "2", "5", " ", "-", "+", ".", "=", "\xe9"),
  maxLength: 12,
});
const replyLine = fc.record({
  text: plainText,
  data: fc.option(fc.array(plainText, { maxLength: 5 }), { nil: undefined }),
});
const reply = fc.record({
  status: fc.constantFrom(250, 251, 515, 552),
  lines: fc.array(replyLine, { maxLength: 4 }),
  end: plainText,
});
const hostile = fc.string({
  unit: fc.constantFrom("2", "5", "0", "6", "-", "+", " ", ".", "\r", "\n", "\r\n", "250 ", "250+", "650 ", "\0", "x"),
  maxLength: 80,
});

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...cuts.map((at) => at % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

describe("the parser of replies, for any", () => {
  it("replies and pieces, gives what was written", () => {
    fc.assert(
      fc.property(fc.array(reply, { maxLength: 4 }), fc.array(fc.nat(500), { maxLength: 20 }), (replies, cuts) => {
        const wire = replies.flatMap(({ status, lines, end }) => [
          ...lines.map(({ text, data }) =>
            data === undefined
              ? `${status}-${text}\r\n`
              : `${status}+${text}\r\n${escapeData(data.map((each) => `${each}\n`).join(""))}`,
          ),
          `${status} ${end}\r\n`,
        ]);
        const expected = replies.map(({ status, lines, end }) => ({
          status,
          lines: [
            ...lines.map(({ text, data }) => line(status, text, data?.map((each) => `${each}\n`).join(""))),
            line(status, end),
          ],
        }));
        expect(parse(cut(Buffer.from(wire.join(""), "latin1"), cuts))).toEqual({ replies: expected });
      }),
    );
  });

  it("garbage, gives the same replies and the same fault however it is cut", () => {
    fc.assert(
      fc.property(
        hostile,
        fc.array(fc.nat(500), { maxLength: 20 }),
        fc.integer({ min: 1, max: 60 }),
        (text, cuts, max) => {
          const bytes = Buffer.from(text, "latin1");
          expect(parse(cut(bytes, cuts), max)).toEqual(parse([bytes], max));
        },
      ),
    );
  });
});
