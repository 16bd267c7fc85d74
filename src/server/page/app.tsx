import { useEffect } from "preact/hooks";
import { formatDuration } from "../../terminal/format.ts";
import { formatClock } from "./format.ts";
import { Header } from "./header/header.tsx";
import { nowMs } from "./live/clock.ts";
import { isStale, link, linkProblem, status } from "./live/connection.ts";
import { scope, shownStatus } from "./live/scope.ts";
import { describeVerdict, type Verdict } from "./now/describe-verdict.ts";
import { Now } from "./now/now.tsx";
import { SignIn } from "./sign-in.tsx";
import type { StreamView } from "./stream-view.ts";
import { titleOf } from "./views/find-view.ts";
import { view } from "./views/location.ts";
import { Nav } from "./views/nav.tsx";
import { recordKeyOf } from "./views/record-key.ts";
import { ShownView } from "./views/shown-view.tsx";

export function App({ stream }: { stream: StreamView }) {
    const together = describeVerdict(link.value, linkProblem.value, status.value);
    const title = `${titleOf(view.value)} · Sluice`;
    useEffect(() => {
        document.title = title;
    }, [title]);
    return (
        <>
            <a class="skip" href="#main">
                Skip to the content
            </a>
            <Header verdict={together} />
            {status.value && <Nav recordKey={recordKeyOf(stream)} />}
            <main id="main" tabIndex={-1}>
                <Content stream={stream} />
            </main>
            <Footer />
        </>
    );
}

function Content({ stream }: { stream: StreamView }) {
    const verdict = describeVerdict(link.value, linkProblem.value, shownStatus.value ?? status.value);
    if (link.value === "sign_in") {
        return (
            <>
                <Now verdict={verdict} />
                <SignIn />
            </>
        );
    }
    const { name, id } = view.value;
    if (!status.value) return <Now verdict={verdict} />;
    const hasVerdict = name === "overview" || name === "stream";
    // Not faded with the rest: the overview fades what is old itself, and the lab shows how the rest comes back.
    const fades = isStale.value && !hasVerdict && name !== "lab";
    return (
        <>
            {isStale.value && !hasVerdict && <Away verdict={verdict} />}
            <div class={fades ? "old" : undefined}>
                {/* Anew for another view or stream: what was typed or held was of the one before. */}
                <ShownView key={`${name} ${id} ${scope.value}`} verdict={verdict} stream={stream} />
            </div>
        </>
    );
}

function Away({ verdict }: { verdict: Verdict }) {
    return (
        <p class="trouble away" role="status">
            <strong>{verdict.headline}</strong> {verdict.detail} Last known{" "}
            {formatClock(status.value!.asOf, nowMs.value)}.
        </p>
    );
}

function Footer() {
    if (!status.value) return <footer />;
    const { asOf, databaseName, serverVersion, standby } = status.value;
    return (
        <footer>
            <span class="as-of">
                As of {formatClock(asOf, nowMs.value)} on the database's clock · {databaseName}, PostgreSQL{" "}
                {serverVersion}
                {standby && ` · a standby, ${formatDuration(standby.lagSeconds * 1000)} behind`}
            </span>
            <a href="/docs">API</a>
            <a href="/openapi.json">openapi.json</a>
            <a href="/metrics">metrics</a>
        </footer>
    );
}
