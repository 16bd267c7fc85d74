/** Trades the token for a cookie that no script can read. */
import { useState } from "preact/hooks";
import { connect } from "./live/connection.ts";
import { postJson } from "./live/fetch-json.ts";
import type { Problem } from "./shapes.ts";

export function SignIn() {
    const [token, setToken] = useState("");
    const [problem, setProblem] = useState<Problem | null>(null);
    const submit = async (event: Event) => {
        event.preventDefault();
        const answer = await postJson("/v1/session", { token });
        if ("problem" in answer) return setProblem(answer.problem);
        setProblem(null);
        connect();
    };
    return (
        <form class="sign-in" onSubmit={submit}>
            <label for="token">Token</label>
            <div class="field">
                <input
                    id="token"
                    type="password"
                    autoComplete="current-password"
                    required
                    value={token}
                    aria-describedby="token-problem"
                    onInput={(event) => setToken(event.currentTarget.value)}
                />
                <button type="submit" class="button">
                    Sign in
                </button>
            </div>
            <p id="token-problem" class="trouble-line" role="alert">
                {problem && `${problem.title}. ${problem.detail}`}
            </p>
        </form>
    );
}
