/** Help in the width of the terminal. commander wraps and aligns; a text that has no room beside its flag stands below it. */
import { type Command, Help } from "commander";
import { outputWidth } from "../environment.ts";
import type { CommandDefinition, Example } from "./command.ts";

/** A text in fewer columns than this is not read as one. */
const leastTextColumns = 32;
const belowIndent = 6;

type Described = Pick<CommandDefinition, "name" | "summary" | "description" | "examples">;

/** Gives commander's command its texts and this layout. */
export function describeCommand(command: Command, { summary, description, examples }: Described): void {
    command
        .description(joinParagraphs(summary, description))
        .configureHelp(layout)
        .configureOutput({ getOutHelpWidth: () => outputWidth() })
        .addHelpText("after", () => `\n${formatItems("Examples", examples)}\n`);
}

/** The help of the program that has all commands, in their groups. */
export function formatOverview(
    program: Omit<Described, "examples">,
    groups: Record<string, readonly Described[]>,
): string {
    const { name, summary, description } = program;
    return [
        `Usage: ${name} <command> [options]`,
        createHelper().boxWrap(joinParagraphs(summary, description), outputWidth()),
        ...Object.entries(groups).map(([title, commands]) =>
            formatItems(
                title,
                commands.map((command) => [command.name, command.summary]),
            ),
        ),
    ].join("\n\n");
}

const joinParagraphs = (summary: string, description?: string) =>
    description === undefined ? summary : `${summary}\n\n${description}`;

/** Terms are never wrapped: a command line is there to be copied. */
function formatItems(title: string, items: readonly Example[]): string {
    const helper = createHelper();
    const termWidth = Math.max(...items.map(([term]) => term.length));
    return [`${title}:`, ...items.map(([term, text]) => helper.formatItem(term, termWidth, text, helper))].join("\n");
}

function createHelper(): Help {
    const helper = Object.assign(new Help(), layout);
    helper.prepareContext({ helpWidth: outputWidth() });
    return helper;
}

const layout: Partial<Help> = {
    minWidthToWrap: 1,
    /** commander's own stops wrapping where the terms leave fewer than forty columns. */
    formatItem(term, termWidth, text, helper) {
        if (!text) return `  ${term}`;
        const room = outputWidth() - termWidth - 4;
        if (room >= leastTextColumns) {
            return `  ${term.padEnd(termWidth)}  ${indent(helper.boxWrap(text, room), termWidth + 4)}`;
        }
        const below = helper.boxWrap(text, outputWidth() - belowIndent);
        return `  ${term}\n${" ".repeat(belowIndent)}${indent(below, belowIndent)}`;
    },
};

const indent = (text: string, columns: number) => text.replaceAll("\n", `\n${" ".repeat(columns)}`);
