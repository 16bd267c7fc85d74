/** `bun run test:fuzz [--cases N] [--seed N]`: tests/fuzz with more cases than CI takes. */
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { cases: { type: "string" }, seed: { type: "string" } } });
const env = { ...process.env, SLUICE_FUZZ_CASES: values.cases ?? "10000", SLUICE_SEED: values.seed ?? "" };
const child = Bun.spawn(["bun", "test", "--timeout", "86400000", "tests/fuzz"], {
    cwd: `${import.meta.dir}/../..`,
    env,
    stdio: ["inherit", "inherit", "inherit"],
});
process.exit(await child.exited);
