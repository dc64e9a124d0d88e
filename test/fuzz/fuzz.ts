import { Command } from "commander";
import { formats } from "./formats.ts";
import { fuzz } from "./run.ts";

/** The long mutation test of the readers: `npm run fuzz -- --rounds 2000`. Prints every fault with its number. */
const { rounds, from, format } = new Command()
  .option("--rounds <count>", "cases of each format", Number, 1000)
  .option("--from <case>", "number of the first case; a case is drawn by its number alone", Number, 0)
  .option("--format <name>", "one format alone")
  .parse()
  .opts<{ rounds: number; from: number; format?: string }>();

const chosen = formats.filter(({ name }) => format === undefined || name === format);
if (chosen.length === 0)
  throw new Error(`There is no ${format}. There are: ${formats.map(({ name }) => name).join(", ")}.`);
let count = 0;
for (const { name } of chosen) {
  const faults = await fuzz(name, from, from + rounds);
  count += faults.length;
  console.log(`${name}: ${rounds} cases, ${faults.length} faults`);
  for (const { case: number, fault } of faults.slice(0, 20)) {
    console.log(`  case ${number} (--format ${name} --from ${number} --rounds 1): ${fault}`);
  }
}
process.exitCode = count === 0 ? 0 : 1;
