/** What the functions of the language do when somebody runs a spec instead of compiling it. */
export function notExecuted(name: string): never {
  throw new Error(`${name}: a cell is compiled from its source, not executed. Use \`npx recurve check <file>\`.`);
}
