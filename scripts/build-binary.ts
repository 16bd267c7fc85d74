import { join, relative, resolve } from "node:path";
import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { bundleProgram, rootDir } from "./build/bundle-program.ts";

const targets = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"] as const;
const host = `${process.platform}-${process.arch}`;

await runCommand({
    name: "build:binary",
    summary: "Writes dist/sluice-PLATFORM, the whole program as one executable.",
    description:
        "It holds everything but the embedded PostgreSQL, so it runs with DATABASE_URL on a machine where nothing is installed. " +
        "For another platform Bun fetches its own program for that one, once.",
    options: [
        new Option("--target <platform>", "the platform that it runs on").choices([...targets]).default(host),
        new Option("--outfile <path>", "where it is written (default: dist/sluice-PLATFORM)"),
    ],
    examples: [
        ["bun run build:binary", "for this machine"],
        ["bun run build:binary --target darwin-arm64", "for a Mac"],
    ],
    async run({ flags }) {
        const target = flags.target as (typeof targets)[number];
        const outfile = resolve((flags.outfile as string | undefined) ?? join(rootDir, "dist", `sluice-${target}`));
        const platform: Bun.Build.CompileTarget = `bun-${target}`;
        // .env of the folder where it runs counts, as in every form; bunfig.toml and tsconfig.json there are not ours.
        const compile = { target: platform, outfile, autoloadBunfig: false, autoloadTsconfig: false };
        await bundleProgram("executable", { compile }).catch((error: unknown) => {
            throw explainFailure(error, target);
        });
        const shown = relative(process.cwd(), outfile);
        return { lines: [`${shown}: ${(Bun.file(outfile).size / 1e6).toFixed(0)} MB.`], json: { outfile, target } };
    },
});

function explainFailure(cause: unknown, target: string): unknown {
    if (cause instanceof SluiceError) return cause;
    const reasons = cause instanceof AggregateError ? cause.errors : [cause];
    return new SluiceError({
        code: "binary_not_built",
        what: `The executable for ${target} was not built: ${reasons.map(String).join("; ")}`,
        remedy:
            target === host
                ? "Run `bun install --frozen-lockfile`, then build again."
                : `Bun fetches its program for ${target} from the npm registry: build where that can be reached.`,
        exitCode: exitCodes.failed,
        cause,
    });
}
