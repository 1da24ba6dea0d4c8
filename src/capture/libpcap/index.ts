export { type BpfInstruction, type CompileOptions, checkExpression, compileExpression } from "./compile.js";
export { libpcapVersion } from "./version.js";
