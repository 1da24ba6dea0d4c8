import { Bpf, BpfClass, type BpfFunction, type BpfProgram, SCRATCH_WORDS } from "./bpf-program.js";

// V8 does not optimize functions over 60 kB of bytecode. 3,000 instructions stay below it and run in a thirtieth of the
// interpreter's time; 6,000 are beyond it and take twice that time.
const MAX_INSTRUCTIONS = 3_000;

/**
 * Translates a program to a JavaScript function: several times as fast as interpreting it, and allocates nothing per
 * packet either. The source text is made of this file's words and the program's numbers, nothing else.
 *
 * BPF jumps forward only (but for loops, which stay with the interpreter), so each jump target ends a labelled block
 * that was opened at the start, and a jump to it is a `break`:
 *
 * @example
 * b3: { b2: { a = load(12); if (a !== 2048) break b3; ... } return 262144; } return 0;
 *
 * @returns undefined where the program has loops or is too long, or the runtime forbids code from strings.
 */
export function compileToJavaScript(program: BpfProgram): BpfFunction | undefined {
  if (program.hasLoops || program.length > MAX_INSTRUCTIONS) return undefined;
  const body = javaScriptBody(program);
  try {
    return new Function("view", "start", "end", "originalLength", body) as BpfFunction;
  } catch (error) {
    // Node --disallow-code-generation-from-strings, and content security policies.
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}

/** The function's body; exported for tests. */
export function javaScriptBody(program: BpfProgram): string {
  const targets = breakTargets(program);
  const lines = ['"use strict";', "const available = end - start;", "let a = 0, x = 0;"];
  if (program.code.some(isScratch)) {
    lines.push(`let ${Array.from({ length: SCRATCH_WORDS }, (_, word) => `m${word} = 0`).join(", ")};`);
  }
  for (const target of [...targets].reverse()) lines.push(`b${target}: {`);
  const available = new GuaranteedLengths(program.length);
  for (let pc = 0; pc < program.length; pc++) {
    if (targets.has(pc)) lines.push("}");
    const guaranteed = available.at(pc);
    // No path leads here, so nothing depends on it.
    if (guaranteed === undefined) continue;
    lines.push(statement(program, pc, guaranteed));
    available.follow(program, pc, guaranteed);
  }
  return lines.join("\n");
}

/** Instructions that a `break` leads to, in ascending order; returns of a constant are repeated at the jump instead. */
function breakTargets(program: BpfProgram): ReadonlySet<number> {
  const targets = new Set<number>();
  for (let pc = 0; pc < program.length; pc++) {
    for (const target of jumpTargets(program, pc)) {
      if (target !== pc + 1 && program.code[target] !== Bpf.RET_K) targets.add(target);
    }
  }
  return new Set([...targets].sort((one, other) => one - other));
}

/** Where a jump goes when its condition holds and when it does not; empty for what is no jump. */
function jumpTargets(program: BpfProgram, pc: number): readonly number[] {
  const code = program.code[pc]!;
  if ((code & 7) !== BpfClass.JMP) return [];
  if (code === Bpf.JA) return [pc + 1 + program.k[pc]!];
  return [pc + 1 + program.jt[pc]!, pc + 1 + program.jf[pc]!];
}

/**
 * How many captured bytes are certain to be there at each instruction, because every path to it has passed a check:
 * most loads follow one that reached further.
 */
class GuaranteedLengths {
  readonly #lengths: Float64Array;

  constructor(instructions: number) {
    // Infinity: not reached by any path yet.
    this.#lengths = new Float64Array(instructions).fill(Number.POSITIVE_INFINITY);
    this.#lengths[0] = 0;
  }

  at(pc: number): number | undefined {
    const length = this.#lengths[pc]!;
    return length === Number.POSITIVE_INFINITY ? undefined : length;
  }

  /** Tells the instructions after `pc` what holds there. All jumps go forward, so each is told before it is asked. */
  follow(program: BpfProgram, pc: number, guaranteed: number): void {
    const code = program.code[pc]!;
    if ((code & 7) === BpfClass.RET) return;
    const targets = jumpTargets(program, pc);
    const after = Math.max(guaranteed, loadEnd(code, program.k[pc]!));
    for (const target of targets.length === 0 ? [pc + 1] : targets) {
      this.#lengths[target] = Math.min(this.#lengths[target]!, after);
    }
  }
}

/** Bytes from the packet's start that a load at a constant offset needs; 0 for other instructions. */
function loadEnd(code: number, k: number): number {
  switch (code) {
    case Bpf.LD_W_ABS:
      return k + 4;
    case Bpf.LD_H_ABS:
      return k + 2;
    case Bpf.LD_B_ABS:
    case Bpf.LDX_MSH:
      return k + 1;
    default:
      return 0;
  }
}

function isScratch(code: number): boolean {
  return code === Bpf.LD_MEM || code === Bpf.LDX_MEM || code === Bpf.ST || code === Bpf.STX;
}

/** One instruction. As in the interpreter, a and x hold signed 32-bit integers that stand for unsigned ones. */
function statement(program: BpfProgram, pc: number, guaranteed: number): string {
  const code = program.code[pc]!;
  const k = program.k[pc]!;
  const signed = k | 0;
  const end = loadEnd(code, k);
  const check = end > guaranteed ? `if (available < ${end}) return 0; ` : "";
  switch (code) {
    case Bpf.LD_W_ABS:
      return `${check}a = view.getInt32(start + ${k});`;
    case Bpf.LD_H_ABS:
      return `${check}a = view.getUint16(start + ${k});`;
    case Bpf.LD_B_ABS:
      return `${check}a = view.getUint8(start + ${k});`;
    case Bpf.LDX_MSH:
      return `${check}x = (view.getUint8(start + ${k}) & 15) << 2;`;
    case Bpf.LD_W_IND:
      return indirectLoad("getInt32", 4, k);
    case Bpf.LD_H_IND:
      return indirectLoad("getUint16", 2, k);
    case Bpf.LD_B_IND:
      return indirectLoad("getUint8", 1, k);
    case Bpf.LD_IMM:
      return `a = ${signed};`;
    case Bpf.LD_MEM:
      return `a = m${k};`;
    case Bpf.LD_LEN:
      return "a = originalLength | 0;";
    case Bpf.LDX_IMM:
      return `x = ${signed};`;
    case Bpf.LDX_MEM:
      return `x = m${k};`;
    case Bpf.LDX_LEN:
      return "x = originalLength | 0;";
    case Bpf.ST:
      return `m${k} = a;`;
    case Bpf.STX:
      return `m${k} = x;`;
    case Bpf.TAX:
      return "x = a;";
    case Bpf.TXA:
      return "a = x;";
    case Bpf.RET_K:
      return `return ${k};`;
    case Bpf.RET_A:
      return "return a >>> 0;";
    case Bpf.JA:
      return goto(program, pc, pc + 1 + k);
    case Bpf.DIV_X:
      return "if (x === 0) return 0; a = ((a >>> 0) / (x >>> 0)) | 0;";
    case Bpf.MOD_X:
      return "if (x === 0) return 0; a = ((a >>> 0) % (x >>> 0)) | 0;";
    default:
      return (code & 7) === BpfClass.JMP ? branch(program, pc) : `a = ${calculation(code, k)};`;
  }
}

function indirectLoad(getter: string, bytes: number, k: number): string {
  // V8 sees that x after MSH is at most 60 and drops the >>> 0.
  const check = `if ((x >>> 0) + ${k + bytes} > available) return 0;`;
  return `${check} a = view.${getter}(start + (x >>> 0) + ${k});`;
}

function branch(program: BpfProgram, pc: number): string {
  const condition = comparison(program.code[pc]!, program.k[pc]!);
  const [whenTrue, whenFalse] = jumpTargets(program, pc);
  if (whenTrue === whenFalse) return goto(program, pc, whenTrue!);
  if (whenTrue === pc + 1) return `if (!(${condition})) ${goto(program, pc, whenFalse!)}`;
  return `if (${condition}) ${goto(program, pc, whenTrue!)} ${goto(program, pc, whenFalse!)}`;
}

function goto(program: BpfProgram, pc: number, target: number): string {
  if (target === pc + 1) return "";
  return program.code[target] === Bpf.RET_K ? `return ${program.k[target]!};` : `break b${target};`;
}

function comparison(code: number, k: number): string {
  switch (code) {
    case Bpf.JEQ_K:
      return `a === ${k | 0}`;
    case Bpf.JEQ_X:
      return "a === x";
    case Bpf.JGT_K:
      return `(a >>> 0) > ${k}`;
    case Bpf.JGT_X:
      return "(a >>> 0) > (x >>> 0)";
    case Bpf.JGE_K:
      return `(a >>> 0) >= ${k}`;
    case Bpf.JGE_X:
      return "(a >>> 0) >= (x >>> 0)";
    case Bpf.JSET_K:
      return `(a & ${k | 0}) !== 0`;
    default:
      return "(a & x) !== 0";
  }
}

function calculation(code: number, k: number): string {
  const signed = `(${k | 0})`;
  switch (code) {
    case Bpf.ADD_K:
      return `(a + ${signed}) | 0`;
    case Bpf.ADD_X:
      return "(a + x) | 0";
    case Bpf.SUB_K:
      return `(a - ${signed}) | 0`;
    case Bpf.SUB_X:
      return "(a - x) | 0";
    case Bpf.MUL_K:
      return `Math.imul(a, ${signed})`;
    case Bpf.MUL_X:
      return "Math.imul(a, x)";
    case Bpf.DIV_K:
      return `((a >>> 0) / ${k}) | 0`;
    case Bpf.MOD_K:
      return `((a >>> 0) % ${k}) | 0`;
    case Bpf.AND_K:
      return `a & ${signed}`;
    case Bpf.AND_X:
      return "a & x";
    case Bpf.OR_K:
      return `a | ${signed}`;
    case Bpf.OR_X:
      return "a | x";
    case Bpf.XOR_K:
      return `a ^ ${signed}`;
    case Bpf.XOR_X:
      return "a ^ x";
    // JavaScript shifts by the low five bits only.
    case Bpf.LSH_K:
      return k > 31 ? "0" : `a << ${k}`;
    case Bpf.LSH_X:
      return "(x >>> 0) > 31 ? 0 : a << x";
    case Bpf.RSH_K:
      return k > 31 ? "0" : `(a >>> ${k}) | 0`;
    case Bpf.RSH_X:
      return "(x >>> 0) > 31 ? 0 : (a >>> x) | 0";
    default:
      return "-a | 0";
  }
}
