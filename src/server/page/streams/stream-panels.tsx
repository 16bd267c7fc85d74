/** The panels of the stream that is shown, or of all together. */
import type { Contract } from "../../../operations/streams/contract-schema.ts";
import { Batches } from "../batches/batches.tsx";
import { FlowCharts } from "../charts/flow-charts.tsx";
import { Checks } from "../checks/checks.tsx";
import { Files } from "../files/files.tsx";
import { builtIn, scope, showsBuiltIn } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { Rejects } from "../rejects/rejects.tsx";
import type { StreamView } from "../stream-view.ts";
import { Trace } from "../trace/trace.tsx";

/** `view`: what the built-in stream brings. */
export function StreamPanels({ view }: { view: StreamView }) {
    const isBuiltIn = showsBuiltIn.value;
    const columns = useColumns(isBuiltIn ? view.columns : []);
    return (
        <>
            <FlowCharts Chart={isBuiltIn ? view.Chart : null} />
            {isBuiltIn && <view.Panel />}
            <Batches />
            <Files />
            <Rejects columns={columns} />
            <Checks />
            <Trace recordKey={isBuiltIn ? view.key : scope.value === null ? null : "any"} />
        </>
    );
}

/** Those of the table's, for a stream that the page was not made for. */
function useColumns(known: readonly string[]): readonly string[] {
    const isForeign = scope.value !== null && scope.value !== builtIn.value;
    const path = isForeign ? `/v1/streams/${encodeURIComponent(scope.value!)}` : null;
    const { data } = useResource<Contract>(path, { everyMs: 60_000, idleMs: 60_000 });
    return isForeign ? (data?.columns.map(({ name }) => name) ?? []) : known;
}
