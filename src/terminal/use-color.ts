/**
 * Whether to colour, computed once for each process: `--no-color`, then NO_COLOR (https://no-color.org: any value that
 * is not empty), then FORCE_COLOR (`0` and `false` turn it off), then whether stdout is a terminal that is not dumb.
 *
 * Not left to picocolors or util.styleText: both colour a pipe when CI is set.
 */
export function decideColor({
    noColorFlag,
    environment,
    isTerminal,
}: {
    noColorFlag: boolean;
    environment: Record<string, string | undefined>;
    isTerminal: boolean;
}): boolean {
    if (noColorFlag || environment.NO_COLOR) return false;
    const forced = environment.FORCE_COLOR;
    if (forced) return forced !== "0" && forced !== "false";
    return isTerminal && environment.TERM !== "dumb";
}
