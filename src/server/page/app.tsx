import { formatClock } from "./format.ts";
import { Header } from "./header/header.tsx";
import { Lab } from "./lab/lab.tsx";
import { nowMs } from "./live/clock.ts";
import { hasLab, isStale, link, linkProblem, status } from "./live/connection.ts";
import { hasSeveral, scope, shownStatus } from "./live/scope.ts";
import { describeVerdict } from "./now/describe-verdict.ts";
import { Now } from "./now/now.tsx";
import { SignIn } from "./sign-in.tsx";
import type { StreamView } from "./stream-view.ts";
import { StreamPanels } from "./streams/stream-panels.tsx";
import { Streams } from "./streams/streams.tsx";

export function App({ stream }: { stream: StreamView }) {
    const signedOut = link.value === "sign_in";
    const together = describeVerdict(link.value, linkProblem.value, status.value);
    const verdict = describeVerdict(link.value, linkProblem.value, shownStatus.value ?? status.value);
    return (
        <>
            <a class="skip" href="#main">
                Skip to the numbers
            </a>
            <Header verdict={together} />
            <main id="main" tabIndex={-1}>
                {status.value && !signedOut && hasSeveral.value && (
                    <div class={isStale.value ? "old streams" : "streams"}>
                        <Streams />
                    </div>
                )}
                <Now verdict={verdict} />
                {signedOut && <SignIn />}
                {/* Not faded with the rest: it shows how the rest comes back. */}
                {status.value && !signedOut && hasLab.value && <Lab />}
                {status.value && !signedOut && (
                    <div class={isStale.value ? "old" : undefined}>
                        {/* Anew for another stream: what was opened or typed was of the one before. */}
                        <StreamPanels key={scope.value ?? ""} view={stream} />
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
