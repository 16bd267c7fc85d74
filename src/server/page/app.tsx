import { Batches } from "./batches/batches.tsx";
import { FlowCharts } from "./charts/flow-charts.tsx";
import { Checks } from "./checks/checks.tsx";
import { Files } from "./files/files.tsx";
import { formatClock } from "./format.ts";
import { Header } from "./header/header.tsx";
import { Lab } from "./lab/lab.tsx";
import { nowMs } from "./live/clock.ts";
import { hasLab, isStale, link, linkProblem, status } from "./live/connection.ts";
import { describeVerdict } from "./now/describe-verdict.ts";
import { Now } from "./now/now.tsx";
import { Rejects } from "./rejects/rejects.tsx";
import { SignIn } from "./sign-in.tsx";
import type { StreamView } from "./stream-view.ts";
import { Trace } from "./trace/trace.tsx";

export function App({ stream }: { stream: StreamView }) {
    const signedOut = link.value === "sign_in";
    const verdict = describeVerdict(link.value, linkProblem.value, status.value);
    return (
        <>
            <a class="skip" href="#main">
                Skip to the numbers
            </a>
            <Header verdict={verdict} />
            <main id="main" tabIndex={-1}>
                <Now verdict={verdict} />
                {signedOut && <SignIn />}
                {/* Not faded with the rest: it shows how the rest comes back. */}
                {status.value && !signedOut && hasLab.value && <Lab />}
                {status.value && !signedOut && (
                    <div class={isStale.value ? "old" : undefined}>
                        <FlowCharts stream={stream} />
                        <stream.Panel />
                        <Batches />
                        <Files />
                        <Rejects columns={stream.columns} />
                        <Checks />
                        <Trace recordKey={stream.key} />
                    </div>
                )}
            </main>
            <Footer />
        </>
    );
}

function Footer() {
    if (!status.value) return <footer />;
    const { asOf, databaseName, serverVersion } = status.value;
    return (
        <footer>
            <span class="as-of">
                As of {formatClock(asOf, nowMs.value)} on the database's clock · {databaseName}, PostgreSQL{" "}
                {serverVersion}
            </span>
            <a href="/docs">API</a>
            <a href="/openapi.json">openapi.json</a>
            <a href="/metrics">metrics</a>
        </footer>
    );
}
