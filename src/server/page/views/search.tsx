import { useState } from "preact/hooks";
import type { TraceKey } from "../trace/parse-query.ts";
import { findDestination } from "./find-destination.ts";
import { go, hrefOf } from "./location.ts";

export function Search({ recordKey }: { recordKey: TraceKey }) {
    const [text, setText] = useState("");
    const submit = (event: Event) => {
        event.preventDefault();
        const found = findDestination(text, recordKey);
        if (found === null) return;
        setText("");
        go(hrefOf(found.path, found.query));
    };
    return (
        <search>
            <form class="search" onSubmit={submit}>
                <input
                    type="search"
                    aria-label="Search for a key, a file name, or a reject number"
                    placeholder="Key, file name, reject #"
                    spellcheck={false}
                    value={text}
                    onInput={(event) => setText(event.currentTarget.value)}
                />
            </form>
        </search>
    );
}
