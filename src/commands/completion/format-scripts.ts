/** The completion scripts. What has no list of values is completed with the names of files. Pure. */
import type { CompletedCommand, CompletedOption } from "./describe-commands.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export const completionScripts: Record<Shell, (commands: readonly CompletedCommand[]) => string> = {
    bash: formatBash,
    zsh: formatZsh,
    fish: formatFish,
};

/** For bash 3.2 too, which macOS has. */
function formatBash(commands: readonly CompletedCommand[]): string {
    const names = commands.map(({ name }) => name).join(" ");
    const values = new Map<string, string[]>();
    for (const { name, options } of commands) {
        for (const { flag, choices } of options.filter(({ takesValue }) => takesValue)) {
            const listed = choices.join(" ");
            values.set(listed, [...(values.get(listed) ?? []), quote(`${name} ${flag}`)]);
        }
    }
    const cases = [...values].map(([listed, flags]) => `        ${flags.join(" | ")}) words=${quote(listed)} ;;`);
    const words = commands.map(
        ({ name, options, choices }) =>
            `                ${name}) flags=${quote(options.map(({ flag }) => flag).join(" "))} words=${quote(choices.join(" "))} ;;`,
    );
    return `# Completion of sluice for bash: source <(sluice completion bash)
_sluice() {
    local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} name=\${COMP_WORDS[1]}
    local words='' flags=''
    if [ "$COMP_CWORD" -eq 1 ]; then
        words=${quote(names)} flags='--help --version'
    else
        case "$name $before" in
${cases.join("\n")}
        *)
            case "$name" in
${words.join("\n")}
            esac
        ;;
        esac
    fi
    case "$current" in
        -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
        *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    esac
}
complete -o default -F _sluice sluice
`;
}

function formatZsh(commands: readonly CompletedCommand[]): string {
    const named = commands.map(({ name, summary }) => `        ${quote(`${name}:${summary}`)}`);
    const cases = commands.map(({ name, options, choices }) => {
        const ending = choices.length > 0 ? `1:value:(${choices.join(" ")})` : "*:file:_files";
        const lines = [...options.map(zshOption), quote(ending)].map((line) => ` \\\n                ${line}`);
        return `        ${name})\n            _arguments${lines.join("")} ;;`;
    });
    return `#compdef sluice
# Completion of sluice for zsh: source <(sluice completion zsh)
_sluice() {
    local -a commands
    commands=(
${named.join("\n")}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    shift words
    (( CURRENT -= 1 ))
    case "\${words[1]}" in
${cases.join("\n")}
    esac
}
if [ "\${funcstack[1]}" = "_sluice" ]; then
    _sluice "$@"
else
    compdef _sluice sluice
fi
`;
}

function zshOption({ flag, description, takesValue, choices }: CompletedOption): string {
    const text = description.replace(/[[\]\\:]/g, "\\$&");
    const values = choices.length > 0 ? `(${choices.join(" ")})` : "_files";
    return quote(`${flag}[${text}]${takesValue ? `:value:${values}` : ""}`);
}

function formatFish(commands: readonly CompletedCommand[]): string {
    const lines = commands.flatMap(({ name, summary, options, choices }) => {
        const here = `complete -c sluice -n '__fish_seen_subcommand_from ${name}'`;
        return [
            `complete -c sluice -n __fish_use_subcommand -f -a ${name} -d ${fishQuote(summary)}`,
            ...options.map((option) => `${here} ${fishOption(option)}`),
            ...(choices.length > 0 ? [`${here} -f -a ${fishQuote(choices.join(" "))}`] : []),
        ];
    });
    return `# Completion of sluice for fish: sluice completion fish > ~/.config/fish/completions/sluice.fish\n${lines.join("\n")}\n`;
}

function fishOption({ flag, description, takesValue, choices }: CompletedOption): string {
    const values = choices.length > 0 ? ` -x -a ${fishQuote(choices.join(" "))}` : takesValue ? " -r" : "";
    return `-l ${flag.replace(/^--/, "")}${values} -d ${fishQuote(description)}`;
}

/** For bash and zsh. */
const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const fishQuote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
