/** The program `sluice`: finds the command that is named first and runs it on the rest. */
import manifest from "../../package.json" with { type: "json" };
import { exitCodes } from "../errors.ts";
import { suggestName } from "../terminal/suggest-name.ts";
import { type Answer, type CommandDefinition, runCommand } from "./command.ts";
import { formatOverview } from "./help.ts";
import { refuse } from "./refuse.ts";

/** Loaded when it is named: a command costs what it imports. */
export type CommandLoader = () => Promise<{ command: CommandDefinition }>;
/** By the title of its group, then by name. */
export type CommandGroups = Readonly<Record<string, Readonly<Record<string, CommandLoader>>>>;

const overview = {
    name: "sluice",
    summary: "Loads CSV files into PostgreSQL and accounts for every record.",
    description: "`sluice help COMMAND` shows its options and examples, `sluice --version` the version.",
};

/** Runs one of the commands on this process's arguments and exits with its code. Does not return. */
export async function runSluice(groups: CommandGroups): Promise<never> {
    const [first, ...rest] = process.argv.slice(2);
    const isHelp = first === "help";
    const name = isHelp ? rest[0] : first;
    if (name === undefined || name === "--help" || name === "-h") {
        return await answer(async () => ({ lines: [await describeAll(groups)], json: null }));
    }
    if (name === "--version" || name === "-V")
        return await answer(async () => ({ lines: [manifest.version], json: null }));
    const load = commandsOf(groups).get(name);
    if (load === undefined) return await answer(async () => refuseUnknown(name, groups));
    const { command } = await load();
    return await runCommand(command, isHelp ? ["--help"] : rest);
}

const answer = (run: () => Promise<Answer>) => runCommand({ ...overview, examples: [], run }, []);

const commandsOf = (groups: CommandGroups) => new Map(Object.values(groups).flatMap((group) => Object.entries(group)));

async function describeAll(groups: CommandGroups): Promise<string> {
    const described: Record<string, CommandDefinition[]> = {};
    for (const [title, group] of Object.entries(groups)) {
        const loaded = await Promise.all(Object.values(group).map((load) => load()));
        described[title] = loaded.map(({ command }) => command);
    }
    return formatOverview(overview, described);
}

function refuseUnknown(name: string, groups: CommandGroups): never {
    const near = suggestName(name, [...commandsOf(groups).keys()]);
    throw refuse(
        "unknown_command",
        `There is no command ${name}.`,
        near === null ? "`sluice --help` lists the commands." : `Did you mean ${near}?`,
        exitCodes.usage,
    );
}
