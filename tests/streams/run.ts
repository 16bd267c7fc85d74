/** `bun run test:streams [--tables N] [--seed N]`: tests/streams/rules.test.ts with more tables than CI takes. */
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { tables: { type: "string" }, seed: { type: "string" } } });
const env = { ...process.env, SLUICE_STREAM_TABLES: values.tables ?? "20000", SLUICE_SEED: values.seed ?? "" };
const child = Bun.spawn(["bun", "test", "--timeout", "86400000", "tests/streams/rules.test.ts"], {
    cwd: `${import.meta.dir}/../..`,
    env,
    stdio: ["inherit", "inherit", "inherit"],
});
process.exit(await child.exited);
