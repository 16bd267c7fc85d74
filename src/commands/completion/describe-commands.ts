/** The commands as a completion script needs them. */
import type { Option } from "commander";
import type { CommandDefinition } from "../command.ts";
import type { CommandGroups } from "../run-sluice.ts";

export interface CompletedOption {
    /** `--state` */
    flag: string;
    description: string;
    takesValue: boolean;
    /** The values that it takes; none: any text, or a file. */
    choices: readonly string[];
}

export interface CompletedCommand {
    name: string;
    summary: string;
    options: readonly CompletedOption[];
    /** The values of its first argument; none: any text, or a file. */
    choices: readonly string[];
}

export async function describeCommands(groups: CommandGroups): Promise<CompletedCommand[]> {
    const loaders = Object.values(groups).flatMap((group) => Object.values(group));
    const loaded = await Promise.all(loaders.map((load) => load()));
    const commands = loaded.map(({ command }) => describe(command));
    const names = commands.map(({ name }) => name);
    return [...commands, { name: "help", summary: "Shows the help of a command.", options: [], choices: names }];
}

function describe({ name, summary, options = [], arguments: [first] = [] }: CommandDefinition): CompletedCommand {
    return {
        name,
        summary,
        options: [...options.map(describeOption), ...everywhere],
        choices: first?.argChoices ?? [],
    };
}

function describeOption({ long, flags, description, required, optional, argChoices = [] }: Option): CompletedOption {
    return { flag: long ?? flags, description, takesValue: required || optional, choices: argChoices };
}

const everywhere: CompletedOption[] = [
    { flag: "--no-color", description: "no colours", takesValue: false, choices: [] },
    { flag: "--help", description: "show the help", takesValue: false, choices: [] },
];
