import { Argument } from "commander";
import { type CommandDefinition, runCommand } from "../src/commands/command.ts";
import { describeCommands } from "../src/commands/completion/describe-commands.ts";
import { completionScripts, type Shell, shells } from "../src/commands/completion/format-scripts.ts";
import { program } from "../src/environment.ts";
import { commandGroups } from "./sluice/commands.ts";

export const command: CommandDefinition = {
    name: "completion",
    summary: "Prints a script that completes the commands and options of `sluice` in your shell.",
    description: "Bash and zsh load it from your start file; fish finds it in its completions folder.",
    arguments: [new Argument("<shell>", "your shell").choices(shells)],
    examples: [
        [`${program} completion bash`, "print it"],
        [`echo 'source <(${program} completion bash)' >> ~/.bashrc`, "for bash"],
        [`echo 'source <(${program} completion zsh)' >> ~/.zshrc`, "for zsh, after compinit"],
        [`${program} completion fish > ~/.config/fish/completions/sluice.fish`, "for fish"],
    ],
    async run({ args: [shell] }) {
        const text = completionScripts[shell as Shell](await describeCommands(commandGroups));
        return { lines: [text], json: null };
    },
};

if (import.meta.main) await runCommand(command);
