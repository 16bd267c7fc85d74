/** The view of the address. */
import type { Contract } from "../../../operations/streams/contract-schema.ts";
import { BatchDetail } from "../batches/batch-detail.tsx";
import { Batches } from "../batches/batches.tsx";
import { Checks } from "../checks/checks.tsx";
import { FileDetail } from "../files/file-detail.tsx";
import { Files } from "../files/files.tsx";
import { Lab } from "../lab/lab.tsx";
import { builtIn, scope, showsBuiltIn, streams } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import type { Verdict } from "../now/describe-verdict.ts";
import { Nothing, Panel } from "../parts/panel.tsx";
import { RejectDetail } from "../rejects/reject-detail.tsx";
import { Rejects } from "../rejects/rejects.tsx";
import type { StreamView } from "../stream-view.ts";
import { Streams } from "../streams/streams.tsx";
import { Trace } from "../trace/trace.tsx";
import { hrefOf, view } from "./location.ts";
import { Overview } from "./overview.tsx";
import { recordKeyOf } from "./record-key.ts";

export function ShownView({ verdict, stream }: { verdict: Verdict; stream: StreamView }) {
    const { name, id } = view.value;
    const columns = useColumns(showsBuiltIn.value ? stream.columns : []);
    switch (name) {
        case "overview":
            return <Overview verdict={verdict} stream={stream} />;
        case "stream":
            return streams.value.some((known) => known.name === id) ? (
                <Overview verdict={verdict} stream={stream} />
            ) : (
                <NoStream name={id!} />
            );
        case "streams":
            return <Streams isView />;
        case "files":
            return <Files />;
        case "file":
            return <FileDetail id={id!} columns={columns} />;
        case "batches":
            return <Batches />;
        case "batch":
            return <BatchDetail id={id!} columns={columns} />;
        case "rejects":
            return <Rejects columns={columns} />;
        case "reject":
            return <RejectDetail id={id!} columns={columns} keyName={stream.key.name} />;
        case "checks":
            return <Checks />;
        case "trace":
            return <Trace recordKey={recordKeyOf(stream)} />;
        case "lab":
            return <Lab />;
    }
}

function NoStream({ name }: { name: string }) {
    return (
        <Panel id="stream" title="Stream not found" isView>
            <Nothing>
                There is no stream “{name}”. <a href={hrefOf("/streams", { stream: null })}>All streams</a>
            </Nothing>
        </Panel>
    );
}

/** Those of the table's, for a stream that the page was not made for. */
function useColumns(known: readonly string[]): readonly string[] {
    const isForeign = scope.value !== null && scope.value !== builtIn.value;
    const showsRecords =
        view.value.name.startsWith("reject") || view.value.name === "file" || view.value.name === "batch";
    const path = isForeign && showsRecords ? `/v1/streams/${encodeURIComponent(scope.value!)}` : null;
    const { data } = useResource<Contract>(path, { everyMs: 60_000, idleMs: 60_000 });
    return isForeign ? (data?.columns.map(({ name }) => name) ?? []) : known;
}
