/** The codes that are about one column, in the streams that have it. */

import { takenCode, unknownCode } from "../../streams/conditions.ts";
import type { Stream } from "../../streams/stream.ts";
import { suggestName } from "../../terminal/suggest-name.ts";
import { describeContract } from "../streams/describe-contract.ts";
import type { KnownStream } from "../streams/read-streams.ts";
import type { ColumnFault } from "./reject-filter.ts";

/** Pure. `problem`: no stream has the column; a sentence that names those there are. */
export function findColumnFault(
    name: string,
    streams: readonly KnownStream[],
    builtIn: Stream,
): { column: ColumnFault } | { problem: string } {
    const contracts = streams.map((stream) => describeContract(stream, builtIn));
    const columns = [...new Set(contracts.flatMap(({ columns: own }) => own.map((column) => column.name)))];
    if (!columns.includes(name)) {
        const near = suggestName(name, columns);
        const shown = columns.slice(0, 20).join(", ");
        return {
            problem: near === null ? `Unknown column. Columns: ${shown}.` : `Unknown column. Did you mean ${near}?`,
        };
    }
    const codes = contracts.flatMap((contract) => {
        const { checks, foreignKeys, uniques } = contract;
        const constraints = [...checks, ...foreignKeys, ...uniques].filter(({ columns: own }) => own.includes(name));
        const conflict = `${contract.key.join("_")}_conflict`;
        return contract.codes
            .filter(
                ({ code, column }) => column === name || constraints.some((constraint) => isCodeOf(code, constraint)),
            )
            .map(({ code }) => code)
            .filter((code) => code !== conflict);
    });
    return { column: { name, codes: [...new Set(codes)] } };
}

const isCodeOf = (code: string, { name, columns }: { name: string; columns: string[] }) =>
    code === name || code === takenCode(name) || code === unknownCode({ columns });
