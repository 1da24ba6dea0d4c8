import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LeekError } from "../../src/base/index.js";
import type { BpfInstruction } from "../../src/capture/libpcap/index.js";
import { Bpf, type BpfFunction, parseBpfProgram } from "../../src/filter/bpf-program.js";
import { createInterpreter } from "../../src/filter/interpreter.js";
import { compileToJavaScript } from "../../src/filter/javascript.js";
import { ethernet, filler, ipv4, ipv6, optionsHeader, tcp } from "../support/packet-builder.js";
import { parseBpfText, TCP_PORT_9001 } from "./bpf-text.js";

const op = (code: number, k = 0, jt = 0, jf = 0): BpfInstruction => ({ code, jt, jf, k });
const LD = { W: Bpf.LD_W_ABS, H: Bpf.LD_H_ABS, B: Bpf.LD_B_ABS };
const RET_A = op(Bpf.RET_A);

const EXECUTORS: readonly (readonly [string, (instructions: readonly BpfInstruction[]) => BpfFunction])[] = [
  ["the interpreter", (instructions) => createInterpreter(parseBpfProgram(instructions))],
  ["the compiled function", (instructions) => compileToJavaScript(parseBpfProgram(instructions))!],
];

/** Runs on a packet that lies between other packets' bytes, as it does in a source's buffer. */
function runOn(run: BpfFunction, packet: Uint8Array, originalLength = packet.length, around = 0xff): number {
  const buffer = new Uint8Array(packet.length + 32).fill(around);
  buffer.set(packet, 16);
  return run(new DataView(buffer.buffer), 16, 16 + packet.length, originalLength);
}

describe.each(EXECUTORS)("%s", (_name, make) => {
  const result = (instructions: readonly BpfInstruction[], packet: readonly number[] = [], originalLength?: number) =>
    runOn(make(instructions), Uint8Array.from(packet), originalLength);

  it("runs libpcap's program for `tcp port 9001` as tcpdump does", () => {
    const run = make(parseBpfText(TCP_PORT_9001));
    const onPort = tcp({ dstPort: 9001 });
    expect(runOn(run, ethernet({}, ipv4({}, onPort)))).toBe(262144);
    expect(runOn(run, ethernet({}, ipv4({}, tcp({ srcPort: 9001 }))))).toBe(262144);
    expect(runOn(run, ethernet({}, ipv4({ options: filler(12) }, onPort)))).toBe(262144);
    expect(runOn(run, ethernet({}, ipv6({}, onPort)))).toBe(262144);
    expect(runOn(run, ethernet({}, ipv4({}, tcp())))).toBe(0);
    // Later fragments have no ports, and extension headers are not followed.
    expect(runOn(run, ethernet({}, ipv4({ fragmentOffset: 8 }, onPort)))).toBe(0);
    expect(runOn(run, ethernet({}, ipv6({ extensions: [optionsHeader(0)] }, onPort)))).toBe(0);
  });

  it("loads big-endian, unsigned", () => {
    const bytes = [0, 0xfe, 0xdc, 0xba, 0x98];
    expect(result([op(LD.W, 1), RET_A], bytes)).toBe(0xfedcba98);
    expect(result([op(LD.H, 1), RET_A], bytes)).toBe(0xfedc);
    expect(result([op(LD.B, 1), RET_A], bytes)).toBe(0xfe);
    expect(result([op(Bpf.LDX_IMM, 1), op(Bpf.LD_W_IND, 0), RET_A], bytes)).toBe(0xfedcba98);
    expect(result([op(Bpf.LDX_IMM, 3), op(Bpf.LD_H_IND, 0), RET_A], bytes)).toBe(0xba98);
    expect(result([op(Bpf.LDX_IMM, 1), op(Bpf.LD_B_IND, 3), RET_A], bytes)).toBe(0x98);
  });

  it.each([
    ["word", LD.W, Bpf.LD_W_IND, 4],
    ["half word", LD.H, Bpf.LD_H_IND, 2],
    ["byte", LD.B, Bpf.LD_B_IND, 1],
  ])("rejects the packet when a %s reaches past the captured bytes", (_size, absolute, indirect, size) => {
    const bytes = [1, 2, 3, 4, 5, 6, 7, 8];
    for (let k = 0; k < 12; k++) {
      const expected = k + size <= bytes.length ? 1 : 0;
      expect(result([op(absolute, k), op(Bpf.RET_K, 1)], bytes)).toBe(expected);
      expect(result([op(Bpf.LDX_IMM, 1), op(indirect, Math.max(k - 1, 0)), op(Bpf.RET_K, 1)], bytes)).toBe(
        Math.max(k, 1) + size <= bytes.length ? 1 : 0,
      );
    }
    expect(result([op(absolute, 0x7fffffff), op(Bpf.RET_K, 1)], bytes)).toBe(0);
    expect(result([op(absolute, 0xffff_efff), op(Bpf.RET_K, 1)], bytes)).toBe(0);
  });

  it("rejects the packet when X + k would wrap to an offset inside", () => {
    const wrapped = [op(Bpf.LDX_IMM, 0xffff_ffff), op(Bpf.LD_B_IND, 2), op(Bpf.RET_K, 1)];
    expect(result(wrapped, [1, 2, 3, 4])).toBe(0);
  });

  it("takes the length on the wire for LEN, not the captured one", () => {
    expect(result([op(Bpf.LD_LEN), RET_A], [1, 2], 1500)).toBe(1500);
    expect(result([op(Bpf.LDX_LEN), op(Bpf.TXA), RET_A], [1, 2], 1500)).toBe(1500);
  });

  it("takes four times the low nibble for MSH, and rejects beyond the end", () => {
    const program = [op(Bpf.LDX_MSH, 1), op(Bpf.TXA), RET_A];
    expect(result(program, [0, 0x4f])).toBe(60);
    expect(result(program, [0])).toBe(0);
    expect(result([op(Bpf.LDX_MSH, 1), op(Bpf.RET_K, 1)], [0])).toBe(0);
  });

  it("compares unsigned, with constants and with X", () => {
    const jump = (code: number, k: number) => [op(Bpf.LD_IMM, 0x8000_0000), op(code, k, 0, 1), op(6, 1), op(6, 0)];
    const jumpX = (code: number, x: number) => [op(Bpf.LDX_IMM, x), ...jump(code, 0)];
    expect(result(jump(Bpf.JGT_K, 0x7fff_ffff))).toBe(1);
    expect(result(jump(Bpf.JGE_K, 0x8000_0000))).toBe(1);
    expect(result(jump(Bpf.JGE_K, 0xffff_ffff))).toBe(0);
    expect(result(jump(Bpf.JEQ_K, 0x8000_0000))).toBe(1);
    expect(result(jump(Bpf.JSET_K, 0xc000_0000))).toBe(1);
    expect(result(jumpX(Bpf.JGT_X, 0x7fff_ffff))).toBe(1);
    expect(result(jumpX(Bpf.JGE_X, 0xffff_ffff))).toBe(0);
    expect(result(jumpX(Bpf.JEQ_X, 0x8000_0000))).toBe(1);
    expect(result(jumpX(Bpf.JSET_X, 0x7fff_ffff))).toBe(0);
  });

  it.each([
    ["adds modulo 2^32", Bpf.ADD_K, Bpf.ADD_X, 0xffff_ffff, 2, 1],
    ["subtracts modulo 2^32", Bpf.SUB_K, Bpf.SUB_X, 1, 2, 0xffff_ffff],
    ["multiplies modulo 2^32", Bpf.MUL_K, Bpf.MUL_X, 0x1234_5679, 0xfedc_ba98, 0x33e3_41d8],
    ["divides unsigned", Bpf.DIV_K, Bpf.DIV_X, 0xffff_ffff, 2, 0x7fff_ffff],
    ["divides large by large", Bpf.DIV_K, Bpf.DIV_X, 0xffff_fffe, 0xffff_ffff, 0],
    ["divides by one", Bpf.DIV_K, Bpf.DIV_X, 0xffff_fffe, 1, 0xffff_fffe],
    ["takes the unsigned remainder", Bpf.MOD_K, Bpf.MOD_X, 0xffff_ffff, 10, 5],
    ["ands", Bpf.AND_K, Bpf.AND_X, 0xff00_ff00, 0xf0f0_f0f0, 0xf000_f000],
    ["ors", Bpf.OR_K, Bpf.OR_X, 0xff00_0000, 0x0f, 0xff00_000f],
    ["xors", Bpf.XOR_K, Bpf.XOR_X, 0xffff_0000, 0xff00_ff00, 0x00ff_ff00],
    ["shifts left", Bpf.LSH_K, Bpf.LSH_X, 3, 31, 0x8000_0000],
    ["shifts right without the sign", Bpf.RSH_K, Bpf.RSH_X, 0x8000_0000, 31, 1],
    ["shifts by nothing", Bpf.RSH_K, Bpf.RSH_X, 0x8000_0000, 0, 0x8000_0000],
    ["shifts left by 32 to nothing", Bpf.LSH_K, Bpf.LSH_X, 1, 32, 0],
    ["shifts right by 2^32 - 1 to nothing", Bpf.RSH_K, Bpf.RSH_X, 0xffff_ffff, 0xffff_ffff, 0],
  ])("%s", (_what, withK, withX, a, operand, expected) => {
    expect(result([op(Bpf.LD_IMM, a), op(withK, operand), RET_A])).toBe(expected);
    expect(result([op(Bpf.LD_IMM, a), op(Bpf.LDX_IMM, operand), op(withX), RET_A])).toBe(expected);
  });

  it("negates modulo 2^32", () => {
    expect(result([op(Bpf.LD_IMM, 1), op(Bpf.NEG), RET_A])).toBe(0xffff_ffff);
    expect(result([op(Bpf.NEG), RET_A])).toBe(0);
  });

  it("rejects the packet on a division by an X of zero", () => {
    for (const code of [Bpf.DIV_X, Bpf.MOD_X]) {
      expect(result([op(Bpf.LD_IMM, 5), op(code), op(Bpf.RET_K, 1)])).toBe(0);
    }
  });

  it("keeps scratch words for one packet only", () => {
    const run = make([op(LD.B, 0), op(Bpf.LDX_MEM, 15), op(Bpf.ST, 15), op(Bpf.TXA), RET_A]);
    expect(runOn(run, Uint8Array.of(7))).toBe(0);
    expect(runOn(run, Uint8Array.of(7))).toBe(0);
    expect(result([op(Bpf.LDX_IMM, 9), op(Bpf.STX, 3), op(Bpf.LD_MEM, 3), RET_A])).toBe(9);
  });

  it("starts every packet with A and X zero", () => {
    const run = make([op(Bpf.ADD_X), op(Bpf.ADD_K, 1), op(Bpf.TAX), RET_A]);
    expect([runOn(run, filler(1)), runOn(run, filler(1))]).toEqual([1, 1]);
  });

  it("jumps over code that no path reaches", () => {
    expect(result([op(Bpf.JA, 1), op(Bpf.LD_B_ABS, 99), op(Bpf.LD_IMM, 4), RET_A])).toBe(4);
    expect(result([op(Bpf.RET_K, 3), op(Bpf.JEQ_K, 0, 1, 0), RET_A, op(Bpf.RET_K, 1)])).toBe(3);
  });
});

describe("a program with loops", () => {
  const forever = [op(Bpf.JA, 0xffff_ffff), op(Bpf.RET_K, 1)];

  it("is interpreted, and rejects the packet when it does not end", () => {
    const program = parseBpfProgram(forever);
    expect(program.hasLoops).toBe(true);
    expect(compileToJavaScript(program)).toBeUndefined();
    expect(runOn(createInterpreter(program), filler(64))).toBe(0);
  });
});

describe("checking a program", () => {
  it.each([
    ["nothing", []],
    ["no return at its end", [op(Bpf.LD_IMM)]],
    ["an unknown code", [op(0x0e), op(6)]],
    ["a code of more than 16 bits", [op(0x1_0006), op(6)]],
    ["a jump beyond its end", [op(Bpf.JEQ_K, 0, 0, 1), op(6)]],
    ["an unconditional jump beyond its end", [op(Bpf.JA, 1), op(6)]],
    ["a jump before its start", [op(Bpf.JA, 0xffff_fffe), op(6)]],
    ["a division by the constant 0", [op(Bpf.DIV_K, 0), op(6)]],
    ["scratch word 16", [op(Bpf.ST, 16), op(6)]],
    ["a load of Linux's packet type", [op(LD.H, 0xffff_f004), op(6)]],
    ["an operand that is no 32-bit number", [op(Bpf.LD_IMM, -1), op(6)]],
    ["an operand with a fraction", [op(Bpf.LD_IMM, 1.5), op(6)]],
  ])("refuses %s", (_what, instructions) => {
    expect(() => parseBpfProgram(instructions)).toThrowError(
      expect.objectContaining({ code: "LEEK_FILTER_PROGRAM", kind: "software" }),
    );
  });

  it("gives a typed error for any garbage, and never lets a bad program run", () => {
    const instruction = fc.record({
      code: fc.oneof(fc.constantFrom(...Object.values(Bpf)), fc.nat(0xffff)),
      jt: fc.nat(255),
      jf: fc.nat(255),
      k: fc.oneof(fc.nat(20), fc.nat(0xffff_ffff)),
    });
    fc.assert(
      fc.property(
        fc.array(instruction, { maxLength: 12 }),
        fc.uint8Array({ maxLength: 40 }),
        (instructions, packet) => {
          let program: ReturnType<typeof parseBpfProgram>;
          try {
            program = parseBpfProgram(instructions);
          } catch (error) {
            expect(error).toBeInstanceOf(LeekError);
            return;
          }
          expect(runOn(createInterpreter(program), packet)).toBeGreaterThanOrEqual(0);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

/** Random programs that keep the rules, without loops. Small operands, so that paths reach their ends. */
const validProgram = fc
  .array(
    fc.record({
      code: fc.constantFrom(...Object.values(Bpf)),
      jt: fc.nat(255),
      jf: fc.nat(255),
      k: fc.oneof(
        { weight: 6, arbitrary: fc.nat(60) },
        { weight: 1, arbitrary: fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_efff) },
        { weight: 1, arbitrary: fc.nat(0xffff_ffff) },
      ),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((drafts) => {
    const program = drafts.map((draft, index) => {
      // Instructions after this one; the return at the end counts.
      const rest = drafts.length - index;
      const isJump = (draft.code & 7) === 5;
      const jump = { jt: isJump ? draft.jt % rest : 0, jf: isJump ? draft.jf % rest : 0 };
      return { code: draft.code, ...jump, k: validOperand(draft.code, draft.k, rest) };
    });
    return [...program, op(Bpf.RET_A)];
  });

function validOperand(code: number, k: number, rest: number): number {
  if (code === Bpf.JA) return k % rest;
  if (code === Bpf.DIV_K || code === Bpf.MOD_K) return Math.max(k, 1);
  if (code === Bpf.LD_MEM || code === Bpf.LDX_MEM || code === Bpf.ST || code === Bpf.STX) return k % 16;
  return [Bpf.LD_W_ABS, Bpf.LD_H_ABS, Bpf.LD_B_ABS].includes(code as never) ? Math.min(k, 0xffff_efff) : k;
}

describe("the interpreter and the compiled function", () => {
  it("agree on every valid program and packet", () => {
    fc.assert(
      fc.property(
        validProgram,
        fc.array(fc.uint8Array({ maxLength: 70 }), { minLength: 1, maxLength: 4 }),
        fc.nat(70000),
        (instructions, packets, originalLength) => {
          const program = parseBpfProgram(instructions);
          const [interpreted, compiled] = [createInterpreter(program), compileToJavaScript(program)!];
          for (const packet of packets) {
            expect(runOn(compiled, packet, originalLength)).toBe(runOn(interpreted, packet, originalLength));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("see nothing of the bytes around a packet", () => {
    fc.assert(
      fc.property(validProgram, fc.uint8Array({ maxLength: 70 }), (instructions, packet) => {
        for (const [, make] of EXECUTORS) {
          const run = make(instructions);
          expect(runOn(run, packet, 90, 0x00)).toBe(runOn(run, packet, 90, 0xff));
        }
      }),
      { numRuns: 500 },
    );
  });
});
